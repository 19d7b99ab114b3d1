"""From chunks to rows of the database, and back to the text that is embedded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from codecontext.chunking import embedding_text
from codecontext.core.chunk import Chunk, ChunkKind
from codecontext.core.hashing import content_digest
from codecontext.core.terms import joined_terms

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
    path_terms = joined_terms(chunks[0].path) if chunks else ""
    for chunk in chunks:
        content_hash = content_digest(embedding_text(chunk))
        seen[content_hash] += 1
        rows.append(_row(chunk, content_hash, seen[content_hash], file_digest, path_terms))
    return rows


def chunk_of_row(row: dict[str, Any]) -> Chunk:
    """The chunk that a row with ``CHUNK_COLUMNS`` was made from."""
    values = {name: row[name] for name in CHUNK_COLUMNS}
    return Chunk(**{**values, "kind": ChunkKind(values["kind"])})


def _row(chunk: Chunk, content_hash: str, occurrence: int, file_digest: str, path_terms: str) -> dict[str, Any]:
    return {
        "id": content_digest(chunk.path, content_hash, str(occurrence))[:_ID_LENGTH],
        "path": chunk.path,
        "language": chunk.language,
        "kind": chunk.kind.value,
        "start_line": chunk.start_line,
        "end_line": chunk.end_line,
        "text": chunk.text,
        "symbol": chunk.symbol,
        "qualified_name": chunk.qualified_name,
        "signature": chunk.signature,
        "doc": chunk.doc,
        "content_hash": content_hash,
        "file_digest": file_digest,
        "name_terms": joined_terms(chunk.qualified_name or chunk.symbol),
        "path_terms": path_terms,
        "body_terms": joined_terms(chunk.text),
    }
