"""The way from a file to its chunks."""

from __future__ import annotations

from contextlib import suppress

from codecontext.chunking.config import ChunkingConfig
from codecontext.chunking.grammars import ParseBudgetExceeded
from codecontext.chunking.languages import find_language
from codecontext.chunking.markup import chunk_sections
from codecontext.chunking.notebooks import chunk_notebook
from codecontext.chunking.tree_sitter_chunker import chunk_tree
from codecontext.chunking.windows import chunk_windows
from codecontext.core import Chunk
from codecontext.core.decoding import decode_source

_FIRST_BYTES = 8192
_BY_HEADING = frozenset({"markdown", "restructuredtext"})
_DEFAULT_CONFIG = ChunkingConfig()


def chunk_source(path: str, data: bytes, config: ChunkingConfig = _DEFAULT_CONFIG) -> list[Chunk]:
    """Chunks of one file, in order of their lines; the same for the same bytes.

    ``path`` is relative to the indexed folder, with ``/``. Any bytes are taken, broken source and binary data
    too, and none raise. The chunks cover every line that has a letter or digit. They do not overlap, but for
    windows of plain text. A line longer than a chunk may be becomes several chunks with the same line number,
    whose texts are slices of it. In a notebook only what stands in its cells counts, as ``shown_lines`` gives it.
    It may be called from several threads at once.
    """
    language = find_language(path, data[:_FIRST_BYTES])
    text = decode_source(data)
    if language.name == "jupyter":
        return chunk_notebook(path, text, config)
    if language.name in _BY_HEADING:
        return chunk_sections(path, text, language.name, config)
    if language.grammar and len(text) <= config.max_parse_chars:
        with suppress(ParseBudgetExceeded):
            return chunk_tree(path, text, language, config)
    return chunk_windows(path, text, language.name, config)
