"""What a search reads: where all chunks are, in flat arrays, and the vectors of one space, as they were at one moment.

A few bytes a chunk; texts and names stay in the database, vectors in mapped files. A snapshot that is not far behind is
patched with the files that were written since.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from codecontext.core.chunk import ChunkFilter
from codecontext.core.globs import path_pattern
from codecontext.core.patterns import compile_pattern
from codecontext.store.index_reader import FileChanges, IndexedFile
from codecontext.store.index_store import IndexStore
from codecontext.store.layout import LAYOUT_TYPE, Layout, key_of, unpack
from codecontext.store.vector_file import Floats, Indices, Mask, VectorFile
from codecontext.store.words import WordFilter

_PATCHED_SHARE = 4
"""More changed files than this part of all are read together with the others."""


@dataclass(frozen=True)
class Snapshot:
    """Chunks and vectors of one space at the versions ``versions``.

    Rows come in the order of path and place, so they do not depend on when what was written; nor do equal scores.
    """

    versions: tuple[int, int]
    space_id: str
    paths: list[str]
    """Paths of the files with chunks, in order."""
    files: Indices
    """Version of each file."""
    first_rows: Indices
    """First row of each file, and the number of rows at the end."""
    layout: Layout
    """By row: slot, lines, and codes of language and kind."""
    labels: dict[int, str]
    vectors: VectorFile | None

    def __len__(self) -> int:
        return len(self.layout)

    @cached_property
    def coverage(self) -> float:
        """Share of chunks that have a vector, 0 to 1: 1 for no chunks, of which none lacks one."""
        return float(np.count_nonzero(self.has_vector()) / len(self)) if len(self) else 1.0

    @property
    def file_count(self) -> int:
        """Number of files with at least one chunk."""
        return len(self.paths)

    def has_vector(self, rows: Indices | slice = slice(None)) -> Mask:
        """Which of ``rows``, or of all, have a vector."""
        slots = self.slots(rows)
        return self.vectors.has(slots) if self.vectors is not None else np.zeros(len(slots), dtype=bool)

    def lacks_vectors(self, paths: Collection[str]) -> bool:
        """Whether some chunk of these files has no vector."""
        return any(not self.has_vector(self.rows_of(path)).all() for path in paths)

    def slots(self, rows: Indices | slice = slice(None)) -> Indices:
        """Slots of the contents of ``rows``: equal slots are equal contents."""
        slots: Indices = self.layout["slot"][rows].astype(np.int64)
        return slots

    def starts(self, rows: Indices | slice = slice(None)) -> Indices:
        """First lines, 1-based."""
        starts: Indices = self.layout["start"][rows].astype(np.int64)
        return starts

    def ends(self, rows: Indices | slice = slice(None)) -> Indices:
        """Last lines, inclusive."""
        ends: Indices = self.layout["end"][rows].astype(np.int64)
        return ends

    def kinds(self, rows: Indices) -> list[str]:
        """Kinds of ``rows``."""
        return [self.labels[code] for code in self.layout["kind"][rows].tolist()]

    def languages(self) -> dict[str, int]:
        """Number of chunks by language, the most frequent first."""
        codes, counts = np.unique(self.layout["language"], return_counts=True)
        order = np.lexsort((codes, -counts))
        return {self.labels[int(codes[index])]: int(counts[index]) for index in order}

    def paths_of(self, rows: Indices) -> list[str]:
        """Paths of ``rows``."""
        return [self.paths[number] for number in self._files_of(rows).tolist()]

    def keys(self, rows: Sequence[int] | Indices) -> list[int]:
        """Keys of ``rows`` in the store."""
        wanted = np.asarray(rows, np.int64)
        numbers = self._files_of(wanted)
        ordinals = wanted - self.first_rows[numbers]
        return [key_of(*pair) for pair in zip(self.files[numbers].tolist(), ordinals.tolist(), strict=True)]

    def rows_of(self, path: str) -> Indices:
        """Rows of the chunks of a file; none where it is not in the index."""
        number = bisect_left(self.paths, path)
        if number == len(self.paths) or self.paths[number] != path:
            return np.empty(0, np.int64)
        return np.arange(self.first_rows[number], self.first_rows[number + 1])

    def rows_at(self, files: Sequence[int], ordinals: Sequence[int]) -> Indices:
        """Row of each chunk named by the version of its file and its place there; -1 for those of other versions."""
        if not len(self):
            return np.full(len(files), -1, np.int64)
        order, in_order = self._file_order
        wanted = np.asarray(files, np.int64)
        places = np.minimum(np.searchsorted(in_order, wanted), len(in_order) - 1)
        numbers = order[places]
        rows = self.first_rows[numbers] + np.asarray(ordinals, np.int64)
        return np.where(in_order[places] == wanted, rows, -1)

    def nearest(self, query: Floats, count: int, allowed: Mask | None = None) -> Indices:
        """Rows of the ``count`` chunks nearest to ``query``, shape (dimension,), among the ``allowed`` ones.

        Nearest first; of chunks that are equally near, the first in order of path and place.
        """
        if self.vectors is None:
            return np.empty(0, np.int64)
        candidates = self.vectors.candidates(query, count, self._slots_of(allowed) if allowed is not None else None)
        is_candidate = np.zeros(self._slot_count, dtype=bool)
        is_candidate[candidates[candidates < self._slot_count]] = True
        among = is_candidate[self.layout["slot"]]
        rows = np.flatnonzero(among if allowed is None else among & allowed)
        scores = self.similarities(query, rows)
        nearest: Indices = rows[np.lexsort((rows, -scores))[:count]]
        return nearest

    def similarities(self, query: Floats, rows: Indices) -> Floats:
        """Dot product of ``query``, shape (dimension,), with the vectors of ``rows``; NaN where there is none."""
        if self.vectors is None:
            return np.full(len(rows), np.nan, np.float32)
        return self.vectors.similarities(query, self.slots(rows))

    def vectors_of(self, rows: Indices) -> Floats:
        """The vectors of ``rows``, all of which must have one, shape (len(rows), dimension)."""
        if self.vectors is None:
            return np.empty((0, 0), np.float32)
        return self.vectors.vectors(self.slots(rows))

    def select(self, where: ChunkFilter) -> tuple[Mask, WordFilter]:
        """Which rows the filter lets through, and the same for the words. Raises ``QueryError`` for a malformed one."""
        languages = self._wanted_codes("language", where.languages)
        kinds = self._wanted_codes("kind", where.kinds)
        numbers = self._matching_files(where.paths)
        mask = np.ones(len(self), dtype=bool)
        for field, codes in (("language", languages), ("kind", kinds)):
            if codes is not None:
                mask &= np.isin(self.layout[field], list(codes))
        if numbers is not None:
            mask &= np.repeat(numbers, np.diff(self.first_rows))
        return mask, WordFilter(
            files=self.files[numbers].tolist() if numbers is not None else None,
            languages=[self.labels[code] for code in languages] if languages is not None else None,
            kinds=[self.labels[code] for code in kinds] if kinds is not None else None,
        )

    def has_path(self, pattern: str) -> bool:
        """Whether the path of some file has a match of this regular expression (RE2)."""
        compiled = compile_pattern(pattern)
        return any(compiled.is_in(path) for path in self.paths)

    def _slots_of(self, allowed: Mask) -> Mask:
        """Which slots, as far as there are vectors, belong to some of the ``allowed`` rows."""
        flags = np.zeros(len(self.vectors or ()), dtype=bool)
        slots = self.layout["slot"][allowed]
        flags[slots[slots < len(flags)]] = True
        return flags

    def _files_of(self, rows: Indices) -> Indices:
        numbers: Indices = np.searchsorted(self.first_rows, rows, side="right") - 1
        return numbers

    @cached_property
    def _slot_count(self) -> int:
        """All slots of these chunks are below it."""
        return int(self.layout["slot"].max(initial=0)) + 1

    @cached_property
    def _file_order(self) -> tuple[Indices, Indices]:
        """Positions of the files in the order of their versions, and the versions in order."""
        order = np.argsort(self.files)
        return order, self.files[order]

    def _wanted_codes(self, field: str, values: Sequence[str]) -> list[int] | None:
        """Codes of the labels in use that have one of ``values`` and none of those with a ``!``; None for all."""
        if not values:
            return None
        wanted = {value for value in values if not value.startswith("!")}
        unwanted = {value[1:] for value in values if value.startswith("!")}
        return [
            int(code)
            for code in np.unique(self.layout[field])
            if (not wanted or self.labels[int(code)] in wanted) and self.labels[int(code)] not in unwanted
        ]

    def _matching_files(self, values: Sequence[str]) -> Mask | None:
        """Which files have a path that matches one of ``values`` and none of those with a ``!``; None for all."""
        if not values:
            return None
        wanted = [compile_pattern(path_pattern(value)) for value in values if not value.startswith("!")]
        unwanted = [compile_pattern(path_pattern(value[1:])) for value in values if value.startswith("!")]
        return np.array(
            [
                (not wanted or any(pattern.is_in(path) for pattern in wanted))
                and not any(pattern.is_in(path) for pattern in unwanted)
                for path in self.paths
            ],
            dtype=bool,
        )


def coverage_of(store: IndexStore, space_id: str, known: Snapshot | None = None) -> float:
    """Share of the chunks whose text has a vector in the space, 0 to 1, as it is now; ``known`` as for a snapshot."""
    return take_snapshot(store, space_id, known).coverage


def empty_snapshot(space_id: str) -> Snapshot:
    """A snapshot of nothing, older than every other."""
    return _assemble((-1, -1), space_id, [], {}, None)


def take_snapshot(store: IndexStore, space_id: str, known: Snapshot | None = None) -> Snapshot:
    """The index now. What ``known``, an earlier snapshot of the same store, has is not read again."""
    since = known.versions[0] if known is not None and known.versions[0] >= 0 else None
    changes = store.changes(space_id, since)
    vectors = store.vectors(space_id)
    if known is None or changes.removed is None:
        return _assemble(changes.versions, space_id, changes.files, changes.labels, vectors)
    if _PATCHED_SHARE * (len(changes.files) + len(changes.removed)) > len(known.paths):
        every = store.changes(space_id)
        return _assemble(every.versions, space_id, every.files, every.labels, vectors)
    return _patched(known, changes, space_id, vectors)


def _assemble(
    versions: tuple[int, int],
    space_id: str,
    files: Iterable[IndexedFile],
    labels: dict[int, str],
    vectors: VectorFile | None,
) -> Snapshot:
    in_order = sorted(files, key=lambda file: file.path)
    sizes = [len(file.layout) // LAYOUT_TYPE.itemsize for file in in_order]
    return Snapshot(
        versions,
        space_id,
        [file.path for file in in_order],
        np.array([file.id for file in in_order], np.int64),
        np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]).astype(np.int64),
        unpack(b"".join(file.layout for file in in_order)),
        labels,
        vectors,
    )


def _patched(known: Snapshot, changes: FileChanges, space_id: str, vectors: VectorFile | None) -> Snapshot:
    """``known`` without the files that are gone and with those that are new; the rest is copied in long pieces."""
    removed = set(changes.removed or ())
    # What was written and removed again before anybody saw it is in both lists or in none.
    new = sorted((file for file in changes.files if file.id not in removed), key=lambda file: file.path)
    gone = np.flatnonzero(np.isin(known.files, list(removed))).tolist() if removed else []
    steps = sorted(
        [(known.paths[number], 0, number) for number in gone]
        + [(file.path, 1, position) for position, file in enumerate(new)]
    )
    if not steps:
        return Snapshot(
            changes.versions,
            space_id,
            known.paths,
            known.files,
            known.first_rows,
            known.layout,
            changes.labels,
            vectors,
        )
    paths: list[str] = []
    files: list[npt.NDArray[np.int64]] = []
    sizes: list[npt.NDArray[np.int64]] = []
    layouts: list[Layout] = []
    all_sizes = np.diff(known.first_rows)
    copied = 0

    def copy_until(number: int) -> None:
        nonlocal copied
        if number > copied:
            paths.extend(known.paths[copied:number])
            files.append(known.files[copied:number])
            sizes.append(all_sizes[copied:number])
            layouts.append(known.layout[known.first_rows[copied] : known.first_rows[number]])
            copied = number

    for path, is_new, position in steps:
        if is_new:
            copy_until(max(copied, bisect_left(known.paths, path)))
            file = new[position]
            layout = unpack(file.layout)
            paths.append(path)
            files.append(np.array([file.id], np.int64))
            sizes.append(np.array([len(layout)], np.int64))
            layouts.append(layout)
        else:
            copy_until(position)
            copied = position + 1
    copy_until(len(known.paths))
    first_rows = np.concatenate([[0], np.cumsum(np.concatenate(sizes or [np.empty(0, np.int64)]))]).astype(np.int64)
    return Snapshot(
        changes.versions,
        space_id,
        paths,
        np.concatenate(files or [np.empty(0, np.int64)]),
        first_rows,
        np.concatenate(layouts) if layouts else unpack(b""),
        changes.labels,
        vectors,
    )
