"""What training leaves for others: the adapter folder, its card, its export, its promotion."""
