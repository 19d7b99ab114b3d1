"""Finds pairs in a repository that nobody labelled. ``mine`` asks every miner and sifts what they find."""
