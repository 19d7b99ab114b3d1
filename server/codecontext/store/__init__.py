"""What is kept on disk: LanceDB tables per folder, the shared embedding cache, manifests, locks."""
