"""Words that every room shares: chunks, errors, digests, places, progress."""

from codecontext.core.chunk import Chunk, ChunkKind
from codecontext.core.errors import CodeContextError
from codecontext.core.hashing import content_digest
from codecontext.core.progress import CancelToken, Progress, ProgressCallback, ignore_progress

__all__ = [
    "CancelToken",
    "Chunk",
    "ChunkKind",
    "CodeContextError",
    "Progress",
    "ProgressCallback",
    "content_digest",
    "ignore_progress",
]
