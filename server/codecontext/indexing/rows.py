"""From chunks to rows of the database, and back to the text that is embedded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from codecontext.chunking import embedding_text
from codecontext.core.chunk import Chunk, ChunkKind
from codecontext.core.hashing import content_digest
from codecontext.core.terms import lexical_terms

CHUNK_COLUMNS = (
    "path",
    "language",
    "kind",
    "start_line",
    "end_line",
    "text",
    "symbol",
    "qualified_name",
    "signature",
    "doc",
)
_ID_LENGTH = 16


def rows_of_chunks(chunks: Sequence[Chunk], file_digest: str) -> list[dict[str, Any]]:
    """Rows for the chunks of one file.

    A row's id names path and embedded content, so it stays when other parts of the file change.
    """
    seen: Counter[str] = Counter()
    rows = []
    for chunk in chunks:
        content_hash = content_digest(embedding_text(chunk))
        seen[content_hash] += 1
        rows.append(_row(chunk, content_hash, seen[content_hash], file_digest))
    return rows


def chunk_of_row(row: dict[str, Any]) -> Chunk:
    """The chunk that a row with ``CHUNK_COLUMNS`` was made from."""
    values = {name: row[name] for name in CHUNK_COLUMNS}
    return Chunk(**{**values, "kind": ChunkKind(values["kind"])})


def _row(chunk: Chunk, content_hash: str, occurrence: int, file_digest: str) -> dict[str, Any]:
    return {
        "id": content_digest(chunk.path, content_hash, str(occurrence))[:_ID_LENGTH],
        **{name: getattr(chunk, name) for name in CHUNK_COLUMNS},
        "kind": chunk.kind.value,
        "content_hash": content_hash,
        "file_digest": file_digest,
        "name_terms": _terms(chunk.qualified_name or chunk.symbol),
        "path_terms": _terms(chunk.path),
        "body_terms": _terms(chunk.text),
    }


def _terms(text: str) -> str:
    return " ".join(lexical_terms(text))
