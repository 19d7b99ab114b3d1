"""What training leaves: the adapter folder, its card and report, its export, and its promotion in a project."""
