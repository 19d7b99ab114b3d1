"""Measures systems: rankings, metrics with intervals, results."""
