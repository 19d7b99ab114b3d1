"""Writes the files that are made from the code: references, TypeScript types, the extension's settings."""
