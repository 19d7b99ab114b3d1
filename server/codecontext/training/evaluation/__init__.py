"""What an adapter is worth: rankings, metrics with intervals, reports."""
