"""How much of an index has vectors in a space, without reading the vectors."""

from __future__ import annotations

from codecontext.store.index_store import IndexStore
from codecontext.store.snapshot import share_covered


def coverage_of(store: IndexStore, space_id: str) -> float:
    """Share of the chunks whose text has a vector in the space, 0 to 1."""
    hashes = store.catalogue()["content_hash"].to_pylist()
    known = store.vector_hashes(space_id)
    return share_covered(sum(value in known for value in hashes), len(hashes))
