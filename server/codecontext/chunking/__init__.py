"""From the bytes of one file to the chunks that are embedded.

Source code is cut along its syntax tree, Markdown and reStructuredText by heading, all other text into
overlapping windows of lines. ``chunk_source`` is the way in; it takes any bytes and never raises for them.
"""

from typing import TYPE_CHECKING

from codecontext.core.lazy import lazy_exports

if TYPE_CHECKING:
    from codecontext.chunking.chunker import chunk_source
    from codecontext.chunking.config import ChunkingConfig
    from codecontext.chunking.format import CHUNK_FORMAT, embedding_text
    from codecontext.chunking.languages import detect_language
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "CHUNK_FORMAT": "codecontext.chunking.format",
            "ChunkingConfig": "codecontext.chunking.config",
            "chunk_source": "codecontext.chunking.chunker",
            "detect_language": "codecontext.chunking.languages",
            "embedding_text": "codecontext.chunking.format",
        },
    )

__all__ = [
    "CHUNK_FORMAT",
    "ChunkingConfig",
    "chunk_source",
    "detect_language",
    "embedding_text",
]
