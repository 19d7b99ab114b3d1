"""Plain text cut into windows of lines that overlap."""

from __future__ import annotations

from collections.abc import Iterator

from codecontext.chunking.config import ChunkingConfig
from codecontext.chunking.lines import SourceLines, Span
from codecontext.core import Chunk, ChunkKind


def chunk_windows(path: str, text: str, language: str, config: ChunkingConfig) -> list[Chunk]:
    """Windows over ``text`` (as ``decode_source`` gives it), in order; those without a word are left out."""
    lines = SourceLines(text)
    return [
        Chunk(path, language, ChunkKind.BLOCK, span[0] + 1, span[1] + 1, piece)
        for window in _windows(lines, config)
        if (span := lines.trimmed(window))
        for piece in lines.texts(span, config.max_chunk_chars, config.target_chars)
    ]


def _windows(lines: SourceLines, config: ChunkingConfig) -> Iterator[Span]:
    """Spans of ``window_lines``, fewer where lines are long, each with the last lines of the one before."""
    first = end = 0
    while end < len(lines):
        stop = end + 1
        # Where lines are long, the overlap gives way to the new line.
        while first < end and not lines.fits((first, stop - 1), config.window_lines, config.target_chars):
            first += 1
        while stop < len(lines) and lines.fits((first, stop), config.window_lines, config.target_chars):
            stop += 1
        yield first, stop - 1
        first, end = max(stop - config.window_overlap, first + 1), stop
