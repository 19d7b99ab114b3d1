"""One folder behind ``Engine``: its model, adapter, index and search; which folder is meant; the doctor."""
