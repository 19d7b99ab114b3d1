from __future__ import annotations

from pathlib import Path

import numpy as np

from codecontext.store.index_store import IndexStore
from codecontext.store.snapshot import coverage_of, take_snapshot
from indexes import file_rows, hashes_of, write_vectors

VECTOR = np.ones(4, np.float32)
SOURCE = "def one():\n    return 1\n\n\ndef two():\n    return 2\n\n\ndef three():\n    return 3\n"


def test_the_share_of_chunks_whose_text_has_a_vector(tmp_path: Path) -> None:
    store = IndexStore(tmp_path / "index")
    assert coverage_of(store, "one") == 1  # nothing lacks a vector
    store.replace_files([file_rows("a.py", SOURCE), file_rows("b.py", "def one():\n    return 1\n")])
    first, _second, _third, copy = hashes_of(store)
    assert first == copy
    assert coverage_of(store, "one") == 0
    known = take_snapshot(store, "one")
    write_vectors(store, "one", {first: VECTOR})
    assert coverage_of(store, "one") == 0.5
    assert coverage_of(store, "one", known) == 0.5
    assert coverage_of(store, "other") == 0
