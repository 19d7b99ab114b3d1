"""Brings an index up to date: scan, compare, cut, embed, write."""
