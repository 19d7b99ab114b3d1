"""What keyword search reads of a chunk."""

from __future__ import annotations

from codecontext.core.terms import lexical_terms

TERM_FIELDS = ("name_terms", "path_terms", "body_terms")
"""Fields of terms, separated by spaces."""


def terms_of_chunk(name: str, path: str, text: str) -> tuple[str, str, str]:
    """The terms of a chunk in the order of ``TERM_FIELDS``; ``name`` is its qualified name or its symbol."""
    return " ".join(lexical_terms(name)), " ".join(lexical_terms(path)), " ".join(lexical_terms(text))
