"""Slots of the distinct contents of an index: a chunk refers to its content, a vector belongs to one.

A slot is a small number, so that vectors by slot are a flat file. Those of contents that are gone are used again.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence

from codecontext.core.batched import batched

_BATCH = 500


def take_slots(connection: sqlite3.Connection, hashes: Iterable[str]) -> tuple[dict[str, int], list[int]]:
    """Count one use for each of ``hashes``; returns their slots, and those that were given to new contents."""
    uses = Counter(hashes)
    slots = slots_of(connection, list(uses))
    new = [value for value in uses if value not in slots]
    free = [row[0] for row in connection.execute("SELECT slot FROM free_slots ORDER BY slot LIMIT ?", (len(new),))]
    connection.executemany("DELETE FROM free_slots WHERE slot = ?", ((slot,) for slot in free))
    (first,) = connection.execute("SELECT next_slot FROM state").fetchone()
    places = [*free, *range(first, first + len(new) - len(free))]
    connection.execute("UPDATE state SET next_slot = ?", (first + len(new) - len(free),))
    connection.executemany(
        "INSERT INTO contents (slot, hash, uses) VALUES (?, ?, 0)",
        ((slot, bytes.fromhex(value)) for value, slot in zip(new, places, strict=True)),
    )
    slots.update(zip(new, places, strict=True))
    connection.executemany(
        "UPDATE contents SET uses = uses + ? WHERE slot = ?", ((count, slots[value]) for value, count in uses.items())
    )
    return slots, places


def release_slots(connection: sqlite3.Connection, slots: Iterable[int]) -> list[int]:
    """Take one use from each of ``slots``; returns those that are free now."""
    uses = Counter(slots)
    connection.executemany(
        "UPDATE contents SET uses = uses - ? WHERE slot = ?", ((count, slot) for slot, count in uses.items())
    )
    freed: list[int] = []
    for batch in batched(list(uses), _BATCH):
        found = connection.execute(f"SELECT slot FROM contents WHERE uses <= 0 AND slot IN ({_marks(batch)})", batch)  # noqa: S608
        freed += [row[0] for row in found]
    connection.executemany("DELETE FROM contents WHERE slot = ?", ((slot,) for slot in freed))
    connection.executemany("INSERT OR IGNORE INTO free_slots (slot) VALUES (?)", ((slot,) for slot in freed))
    return freed


def slots_of(connection: sqlite3.Connection, hashes: Sequence[str]) -> dict[str, int]:
    """Content hash → slot, for those that are in the index."""
    slots: dict[str, int] = {}
    for batch in batched(hashes, _BATCH):
        keys = [bytes.fromhex(value) for value in batch]
        found = connection.execute(f"SELECT hash, slot FROM contents WHERE hash IN ({_marks(keys)})", keys)  # noqa: S608
        slots.update((row[0].hex(), row[1]) for row in found)
    return slots


def hashes_of(connection: sqlite3.Connection, slots: Sequence[int]) -> dict[int, str]:
    """Slot → content hash, for those that are in use."""
    hashes: dict[int, str] = {}
    for batch in batched(slots, _BATCH):
        found = connection.execute(f"SELECT slot, hash FROM contents WHERE slot IN ({_marks(batch)})", list(batch))  # noqa: S608
        hashes.update((row[0], row[1].hex()) for row in found)
    return hashes


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))
