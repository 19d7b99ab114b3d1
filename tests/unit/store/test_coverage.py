from __future__ import annotations

from pathlib import Path

import numpy as np

from codecontext.chunking import ChunkingConfig, chunk_source
from codecontext.indexing.rows import rows_of_chunks
from codecontext.store.index_store import FileRows, IndexStore
from codecontext.store.snapshot import coverage_of


def test_the_share_of_chunks_whose_text_has_a_vector(tmp_path: Path) -> None:
    store = IndexStore(tmp_path / "index")
    assert coverage_of(store, "one") == 1  # nothing lacks a vector
    source = "def one():\n    return 1\n\n\ndef two():\n    return 2\n\n\ndef three():\n    return 3\n"
    rows = rows_of_chunks(chunk_source("a.py", source.encode(), ChunkingConfig()), "digest")
    # The same text twice: one vector covers both.
    store.replace_files([FileRows("a.py", rows), FileRows("b.py", [{**rows[0], "id": "copy", "path": "b.py"}])])
    assert len(rows) == 3
    assert coverage_of(store, "one") == 0
    store.add_vectors("one", [rows[0]["content_hash"], "gone"], np.ones((2, 4), np.float32))
    assert coverage_of(store, "one") == 0.5
    assert coverage_of(store, "other") == 0
