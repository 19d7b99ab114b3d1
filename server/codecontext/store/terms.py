"""What keyword search reads of a chunk."""

from __future__ import annotations

from codecontext.core.chunk import Chunk
from codecontext.core.terms import joined_terms

TERM_FIELDS = ("name_terms", "path_terms", "body_terms")
"""Fields of terms, separated by spaces."""


def terms_of_chunk(chunk: Chunk, path_terms: str) -> tuple[str, str, str]:
    """The terms of a chunk in the order of ``TERM_FIELDS``; those of its path are the same for a whole file."""
    return joined_terms(chunk.qualified_name or chunk.symbol), path_terms, joined_terms(chunk.text)
