"""From chunks to rows of the index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from codecontext.chunking import embedding_text
from codecontext.core.chunk import Chunk
from codecontext.core.hashing import content_digest
from codecontext.store.terms import TERM_FIELDS, terms_of_chunk

_FIELDS = (
    "path",
    "language",
    "start_line",
    "end_line",
    "text",
    "symbol",
    "qualified_name",
    "signature",
    "doc",
)


def rows_of_chunks(chunks: Sequence[Chunk]) -> list[dict[str, Any]]:
    """Rows for the chunks of one file, in the order of their places."""
    return [_row(chunk) for chunk in sorted(chunks, key=lambda chunk: (chunk.start_line, chunk.end_line))]


def _row(chunk: Chunk) -> dict[str, Any]:
    terms = terms_of_chunk(chunk.qualified_name or chunk.symbol, chunk.path, chunk.text)
    return {
        **{name: getattr(chunk, name) for name in _FIELDS},
        "kind": chunk.kind.value,
        "content_hash": content_digest(embedding_text(chunk)),
        **dict(zip(TERM_FIELDS, terms, strict=True)),
    }
