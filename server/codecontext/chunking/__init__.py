"""From the bytes of one file to the chunks that are embedded.

Source code is cut along its syntax tree, Markdown and reStructuredText by heading, all other text into
overlapping windows of lines. ``chunk_source`` is the way in; it takes any bytes and never raises for them.
"""

from codecontext.chunking.chunker import chunk_source
from codecontext.chunking.config import ChunkingConfig
from codecontext.chunking.format import CHUNK_FORMAT, embedding_text
from codecontext.chunking.languages import detect_language

__all__ = [
    "CHUNK_FORMAT",
    "ChunkingConfig",
    "chunk_source",
    "detect_language",
    "embedding_text",
]
