"""Where the chunks of a file are and what they are, packed into a few bytes each.

Searches need this of every chunk at once. As one block of bytes a file it is read a thousand times faster than as rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Layout = npt.NDArray[np.void]

LAYOUT_TYPE = np.dtype([("slot", "<u4"), ("start", "<u4"), ("end", "<u4"), ("language", "<u2"), ("kind", "<u2")])
"""Of each chunk: the slot of its content, its first and last line, codes of language and kind."""

_ORDINAL_BITS = 20
MAX_CHUNKS_OF_FILE = 1 << _ORDINAL_BITS


def pack(rows: Sequence[tuple[int, int, int, int, int]]) -> bytes:
    """The layout of a file's chunks, in their order."""
    return np.array(rows, LAYOUT_TYPE).tobytes()


def unpack(data: bytes) -> Layout:
    """The layout that ``pack`` made, or several of them one after the other."""
    return np.frombuffer(data, LAYOUT_TYPE)


def key_of(file: int, ordinal: int) -> int:
    """The number that names a chunk of one version of a file."""
    return file << _ORDINAL_BITS | ordinal


def file_of(key: int) -> int:
    """The version of the file that the chunk ``key`` belongs to."""
    return key >> _ORDINAL_BITS


def ordinal_of(key: int) -> int:
    """The place of the chunk ``key`` among those of its file."""
    return key & (MAX_CHUNKS_OF_FILE - 1)
