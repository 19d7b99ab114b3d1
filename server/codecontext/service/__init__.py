"""The process behind editors: sessions of folders, scheduling, adapter swaps."""
