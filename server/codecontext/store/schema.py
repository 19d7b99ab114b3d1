"""The tables of an index.

The generation begins anywhere, so that nobody takes an index that was made again for the one before.
"""

from __future__ import annotations

SCHEMA_VERSION = 3
"""Raised whenever the tables or their meaning change; an index of another version is rebuilt."""

SCHEMA = """
CREATE TABLE state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    folder TEXT NOT NULL DEFAULT '',
    index_version TEXT NOT NULL DEFAULT '',
    finished INTEGER NOT NULL DEFAULT 0,
    generation INTEGER NOT NULL DEFAULT 0,
    forgotten INTEGER NOT NULL DEFAULT 0,
    next_file INTEGER NOT NULL DEFAULT 1,
    next_slot INTEGER NOT NULL DEFAULT 0,
    files INTEGER NOT NULL DEFAULT 0,
    chunks INTEGER NOT NULL DEFAULT 0,
    notices TEXT NOT NULL DEFAULT '[]',
    words INTEGER NOT NULL DEFAULT 0,
    words_last INTEGER NOT NULL DEFAULT 0,
    words_generation INTEGER NOT NULL DEFAULT 0,
    words_removed INTEGER NOT NULL DEFAULT 0,
    words_noted INTEGER NOT NULL DEFAULT 0,
    words_checksums TEXT NOT NULL DEFAULT '{}'
);
INSERT INTO state (one, generation) VALUES (1, abs(random()) % 1000000000);
UPDATE state SET forgotten = generation, words_generation = generation;
CREATE TABLE labels (code INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE files (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    changed_ns INTEGER NOT NULL,
    digest TEXT NOT NULL,
    settled INTEGER NOT NULL,
    chunks INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    layout BLOB NOT NULL
);
CREATE INDEX files_by_generation ON files (generation);
CREATE TABLE removed (id INTEGER PRIMARY KEY, generation INTEGER NOT NULL);
CREATE INDEX removed_by_generation ON removed (generation);
CREATE TABLE chunks (
    key INTEGER PRIMARY KEY,
    symbol TEXT NOT NULL,
    qualified_name TEXT NOT NULL,
    signature TEXT NOT NULL,
    doc TEXT NOT NULL,
    text BLOB NOT NULL
);
CREATE TABLE contents (slot INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, uses INTEGER NOT NULL);
CREATE TABLE free_slots (slot INTEGER PRIMARY KEY);
CREATE TABLE spaces (
    id TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    dimension INTEGER,
    generation INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE skipped (
    path TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    size INTEGER NOT NULL,
    changed_ns INTEGER NOT NULL,
    settled INTEGER NOT NULL
) WITHOUT ROWID
"""

TABLES = ("files", "removed", "chunks", "contents", "free_slots", "spaces", "skipped", "labels")
"""All but the facts, which are one row of ``state``."""
