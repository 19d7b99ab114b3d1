"""What is kept on disk: an index for each folder, the embedding cache that all share, locks."""
