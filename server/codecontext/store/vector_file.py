"""Vectors of one embedding space in flat files that all processes map into memory, at 16 bits a number.

A vector is stored as whole numbers times a scale of its own. Their high bytes are one matrix, which a search scans in
full; their low bytes are a second one, which is read only for the few rows that the scan puts first. So what a query
reads is a quarter of float32, and its result is as exact as 16 bits are: the distance between a score by high bytes and
the true one has a bound that is known for each vector, so no row that belongs to the best is lost.

Scanning bytes and rescoring what comes first is the usual way to search compressed vectors (Jégou, Douze and Schmid,
"Product quantization for nearest neighbor search", 2011, section on re-ranking); the bound is Cauchy and Schwarz's.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import simsimd

from codecontext.core.errors import IndexCorrupt, StoreError
from codecontext.core.private import create_private, make_private

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_STEPS = 127 * 256
"""Largest number of a stored vector: its high byte, rounded, is 127."""
_LARGEST_SCALE = 1.0
"""Vectors are about as long as 1, so a scale is far smaller."""
_LARGEST_LENGTH = 1.001
"""Of a stored vector: they are normalised, and rounded."""
_BLOCK = 1 << 16
_HIGH, _LOW, _ABOUT = "high.i8", "low.i8", "about"
_ABOUT_TYPE = np.dtype([("scale", "<f4"), ("error", "<f4"), ("checksum", "<u4")])
"""By vector: its scale, 0 where there is none; the length of what its high bytes leave out; CRC-32 of its bytes."""


@dataclass(frozen=True)
class VectorFile:
    """The vectors of one space by slot, as they are on the disk; what others write shows at once.

    A slot that is not there has no vector.
    """

    high: npt.NDArray[np.int8]
    low: npt.NDArray[np.int8]
    about: npt.NDArray[np.void]

    def __len__(self) -> int:
        return len(self.about)

    def has(self, slots: Indices) -> Mask:
        """Which of ``slots`` have a vector."""
        known = slots < len(self)
        found = np.zeros(len(slots), dtype=bool)
        found[known] = self.about["scale"][slots[known]] > 0
        return found

    def vectors(self, slots: Indices) -> Floats:
        """The vectors of ``slots``, all of which must have one, shape (len(slots), dimension)."""
        numbers = self.high[slots].astype(np.float32) * np.float32(256) + self.low[slots]
        vectors: Floats = numbers * self.about["scale"][slots][:, None]
        return vectors

    def similarities(self, query: Floats, slots: Indices) -> Floats:
        """Dot product of ``query``, shape (dimension,), with the vector of each slot; NaN where there is none.

        The last bit of a score does not depend on which others are asked for, so equals stay equal.
        """
        scores = np.full(len(slots), np.nan, np.float32)
        has = self.has(slots)
        scores[has] = (self.vectors(slots[has]).astype(np.float64) * query).sum(axis=1)
        return scores

    def candidates(self, query: Floats, count: int, allowed: Mask | None = None) -> Indices:
        """Slots of which the ``count`` best, and whatever equals the last of them, are all part.

        ``allowed`` has a flag for each slot. A few more than ``count`` as a rule; fewer where fewer have a vector.
        """
        if not len(self) or count < 1:
            return np.empty(0, np.int64)
        coarse, scale = _coarse_query(query)
        scores = np.asarray(simsimd.cdist(coarse[None, :], self.high, metric="dot"), np.float32).ravel()
        scores *= self.about["scale"]
        scores *= np.float32(256 * scale)
        usable = self.about["scale"] > 0
        if allowed is not None:
            usable &= allowed
        scores[~usable] = -np.inf
        margin = 2 * (self._largest_error * _length(query) + _length(query - coarse * scale) * _LARGEST_LENGTH)
        return _at_least(scores, count, margin)

    def damaged(self, slots: Indices) -> Indices:
        """Those of ``slots`` whose bytes are not those that were written."""
        stored = slots[self.has(slots)]
        wrong = [
            slot
            for slot in stored.tolist()
            if _checksum(self.high[slot], self.low[slot]) != self.about["checksum"][slot]
        ]
        return np.array(wrong, np.int64)

    @cached_property
    def _largest_error(self) -> float:
        return float(self.about["error"].max())


def open_vectors(directory: Path, dimension: int) -> VectorFile | None:
    """The vectors in ``directory``; None where there are none.

    Raises ``IndexCorrupt`` where the files do not fit together, and ``StoreError`` where the system refuses.
    """
    about_file = directory / _ABOUT
    try:
        count = about_file.stat().st_size // _ABOUT_TYPE.itemsize
        if not count:
            return None
        about = np.memmap(about_file, _ABOUT_TYPE, "r", shape=(count,))
        if not (about["scale"].min() >= 0 and about["scale"].max() <= _LARGEST_SCALE):
            raise _unfit(directory)
        return VectorFile(
            np.memmap(directory / _HIGH, np.int8, "r", shape=(count, dimension)),
            np.memmap(directory / _LOW, np.int8, "r", shape=(count, dimension)),
            about,
        )
    except FileNotFoundError:
        if about_file.exists():
            raise _unfit(directory) from None
        return None
    except ValueError as error:  # shorter than it should be
        raise _unfit(directory) from error
    except OSError as error:
        raise StoreError(
            f"The vectors in {directory} cannot be opened: {error.strerror}.",
            "Check the permissions of the index folder, or close some programs, and try again.",
        ) from error


def write_vectors(directory: Path, slots: Sequence[int], vectors: Floats) -> None:
    """Store ``vectors``, shape (len(slots), dimension), and wait for the disk. Raises ``OSError``.

    The record that makes a vector count is written last: whatever stops the process, none is half there.
    """
    numbers, scales = _quantised(vectors)
    high = ((numbers + 128) >> 8).astype(np.int8)
    low = (numbers - high.astype(np.int32) * 256).astype(np.int8)
    about = np.zeros(len(slots), _ABOUT_TYPE)
    about["scale"] = scales
    about["error"] = np.linalg.norm(low.astype(np.float32), axis=1) * scales
    about["checksum"] = [_checksum(*rows) for rows in zip(high, low, strict=True)]
    make_private(directory)
    for name, rows in ((_HIGH, high), (_LOW, low), (_ABOUT, about)):
        _write_rows(directory / name, slots, rows)


def clear_vectors(directory: Path, slots: Sequence[int], dimension: int) -> None:
    """Overwrite the vectors of ``slots`` with nothing, first of all the record that makes each count."""
    try:
        count = (directory / _ABOUT).stat().st_size // _ABOUT_TYPE.itemsize
    except FileNotFoundError:
        return
    known = [slot for slot in slots if slot < count]
    if not known:
        return
    nothing = np.zeros((len(known), dimension), np.int8)
    for name, rows in ((_ABOUT, np.zeros(len(known), _ABOUT_TYPE)), (_HIGH, nothing), (_LOW, nothing)):
        _write_rows(directory / name, known, rows)


def _coarse_query(query: Floats) -> tuple[npt.NDArray[np.int8], float]:
    scale = float(np.abs(query).max()) / 127 or 1.0
    return np.rint(query / scale).astype(np.int8), scale


def _quantised(vectors: Floats) -> tuple[npt.NDArray[np.int32], Floats]:
    scales = (np.abs(vectors).max(axis=1) / _STEPS).astype(np.float32)
    scales[scales == 0] = np.finfo(np.float32).tiny
    return np.rint(vectors / scales[:, None]).astype(np.int32), scales


def _at_least(scores: Floats, count: int, margin: float) -> Indices:
    """Where a score is less than ``margin`` below the one in place ``count``.

    A threshold that rises from block to block leaves little to sort.
    """
    threshold = -np.inf
    found: list[Indices] = []
    best = np.empty(0, np.float32)
    for start in range(0, len(scores), _BLOCK):
        block = scores[start : start + _BLOCK]
        rows = np.flatnonzero((block >= threshold) & (block > -np.inf))
        found.append(rows + start)
        best = np.concatenate([best, block[rows]])
        if len(best) > count:
            best = np.partition(best, len(best) - count)[-count:]
            threshold = float(best.min()) - margin
    rows = np.concatenate(found)
    kept: Indices = rows[scores[rows] >= threshold]
    return kept


def _write_rows(file: Path, slots: Sequence[int], rows: npt.NDArray[np.generic]) -> None:
    """Rows at their places; neighbours go in one piece."""
    if not file.exists():
        create_private(file)
    order = np.argsort(slots, kind="stable")
    places = np.asarray(slots, np.int64)[order]
    runs = np.split(np.arange(len(places)), np.flatnonzero(np.diff(places) != 1) + 1)
    size = rows[0].nbytes if len(rows) else 0
    with ExitStack() as stack:
        descriptor = os.open(file, os.O_RDWR | getattr(os, "O_BINARY", 0))
        stack.callback(os.close, descriptor)
        for run in runs:
            if len(run):
                _write_all(descriptor, np.ascontiguousarray(rows[order[run]]).tobytes(), int(places[run[0]]) * size)
        os.fsync(descriptor)


def _write_all(descriptor: int, data: bytes, offset: int) -> None:
    os.lseek(descriptor, offset, os.SEEK_SET)
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def _checksum(high: npt.NDArray[np.int8], low: npt.NDArray[np.int8]) -> int:
    return zlib.crc32(low.tobytes(), zlib.crc32(high.tobytes()))


def _length(vector: Floats) -> float:
    return float(np.linalg.norm(vector))


def _unfit(directory: Path) -> IndexCorrupt:
    return IndexCorrupt(
        f"The vectors in {directory} cannot be read: their files do not fit together.",
        "Run 'codecontext index': it takes them from the embedding cache again.",
    )
