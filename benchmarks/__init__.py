"""Measurements of speed and quality, side by side with peers in one run."""
