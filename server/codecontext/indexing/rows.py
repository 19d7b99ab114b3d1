"""From chunks to rows of the index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from codecontext.chunking import embedding_text
from codecontext.core.chunk import Chunk
from codecontext.core.hashing import content_digest
from codecontext.core.terms import joined_terms
from codecontext.store.terms import TERM_FIELDS, terms_of_chunk


def rows_of_chunks(chunks: Sequence[Chunk]) -> list[dict[str, Any]]:
    """Rows for the chunks of one file, in the order of their places."""
    path_terms = joined_terms(chunks[0].path) if chunks else ""
    in_order = sorted(chunks, key=lambda chunk: (chunk.start_line, chunk.end_line))
    return [_row(chunk, path_terms) for chunk in in_order]


def _row(chunk: Chunk, path_terms: str) -> dict[str, Any]:
    return {
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
        "content_hash": content_digest(embedding_text(chunk)),
        **dict(zip(TERM_FIELDS, terms_of_chunk(chunk, path_terms), strict=True)),
    }
