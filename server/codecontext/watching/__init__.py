"""Notices changed files and adapters; the only room that knows watchdog."""
