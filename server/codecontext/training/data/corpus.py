"""The code that pairs are trained on and measured with: a copy of the folder with the sources of queries hidden.

Documentation that became a query must not appear in the code that the query is to find. The copy keeps every line where
it was, blank where something is hidden, so places mean the same in both. It has an index of its own below the
CodeContext home, made like any other: chunks without anything hidden take their vectors from the cache, which the
folder's own index has filled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from codecontext.chunking import ChunkingConfig, embedding_text
from codecontext.core.errors import StoreError
from codecontext.core.paths import codecontext_home, index_directory
from codecontext.core.private import make_private, tighten
from codecontext.core.progress import CancelToken, ProgressCallback
from codecontext.embeddings.base import EmbeddingProvider
from codecontext.indexing.pipeline import Indexer
from codecontext.indexing.scan import ScanConfig
from codecontext.store.embedding_cache import EmbeddingCache
from codecontext.store.index_store import IndexStore
from codecontext.store.snapshot import Snapshot, take_snapshot
from codecontext.store.vector_file import Indices
from codecontext.training.data.mining.repository import Repository
from codecontext.training.data.pairs import CodeSpan, HiddenText, Pair


class Places:
    """Which rows of a snapshot lie where."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def rows_of(self, span: CodeSpan) -> list[int]:
        """Rows of the chunks that share a line with ``span``."""
        rows = self._snapshot.rows_of(span.path)
        shares = (self._snapshot.starts(rows) <= span.end_line) & (self._snapshot.ends(rows) >= span.start_line)
        found: list[int] = rows[shares].tolist()
        return found

    def rows_of_files(self, paths: Iterable[str]) -> Indices:
        """Rows of all chunks of ``paths``."""
        return np.concatenate([np.empty(0, np.int64), *map(self._snapshot.rows_of, paths)])


@dataclass(frozen=True)
class Corpus:
    """The indexed copy, as the vectors of one space see it."""

    folder: Path
    store: IndexStore
    snapshot: Snapshot

    @cached_property
    def places(self) -> Places:
        """Where its chunks are."""
        return Places(self.snapshot)

    def texts(self, rows: Sequence[int]) -> list[str]:
        """The texts that are embedded for these rows, in their order."""
        keys = self.snapshot.keys(rows)
        chunks = self.store.chunks(keys)
        return [embedding_text(chunks[key]) for key in keys]

    def in_space(self, space_id: str) -> Corpus:
        """The same code with the vectors of another space."""
        return Corpus(self.folder, self.store, take_snapshot(self.store, space_id))


class CorpusBuilder:
    """Makes the copy of one folder and its index, and keeps both for the next time."""

    def __init__(self, folder: Path, cache: EmbeddingCache, chunking: ChunkingConfig) -> None:
        self.directory = workspace(folder)
        self._copy = self.directory / "copy"
        self._store = IndexStore(self.directory / "index")
        self._cache = cache
        self._chunking = chunking

    def build(
        self,
        repository: Repository,
        pairs: Sequence[Pair],
        provider: EmbeddingProvider,
        on_progress: ProgressCallback,
        cancel: CancelToken,
    ) -> Corpus:
        """The repository without what ``pairs`` hide, indexed with the vectors of ``provider``.

        Raises ``StoreError`` when the disk refuses, ``OperationCancelled``, and whatever the provider raises.
        """
        hidden: dict[str, list[HiddenText]] = defaultdict(list)
        for pair in pairs:
            for item in pair.hidden:
                hidden[item.path].append(item)
        with _disk_errors(self._copy):
            self._write_copy(repository, hidden)
        self.embed(provider, on_progress, cancel, text=True)
        return Corpus(self._copy, self._store, take_snapshot(self._store, provider.space.space_id))

    def embed(
        self, provider: EmbeddingProvider, on_progress: ProgressCallback, cancel: CancelToken, *, text: bool = False
    ) -> None:
        """Give the copy the vectors of ``provider``, after indexing its text again if ``text`` is set."""
        scan = ScanConfig(respect_gitignore=False, max_file_bytes=1_000_000_000)
        indexer = Indexer(self._copy, self._store, self._cache, provider, scan, self._chunking)
        if text:
            indexer.run(on_progress=on_progress, cancel=cancel)
        else:
            indexer.update_vectors(provider, activate=False, on_progress=on_progress, cancel=cancel)
        cancel.check()

    def _write_copy(self, repository: Repository, hidden: dict[str, list[HiddenText]]) -> None:
        make_private(self._copy)
        wanted = {path: "\n".join(file.without(hidden[path])) for path, file in repository.files.items()}
        for file in [file for file in self._copy.rglob("*") if file.is_file()]:
            if file.relative_to(self._copy).as_posix() not in wanted:
                file.unlink()
        for path, text in wanted.items():
            file = self._copy / path
            data = text.encode("utf-8", "replace")
            if not file.is_file() or file.read_bytes() != data:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(data)
        tighten(self._copy)


def workspace(folder: Path) -> Path:
    """Where training keeps its copy, index and checkpoint of ``folder``."""
    return codecontext_home() / "training" / index_directory(folder).name


@contextmanager
def _disk_errors(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"Training cannot write to {place}: {error.strerror}.", "Free some space, or set CODECONTEXT_HOME."
        ) from error
