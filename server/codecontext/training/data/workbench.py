"""What training and measuring on one folder share: its settings, base model, pairs and corpus."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from codecontext.chunking import CHUNK_FORMAT
from codecontext.config import Settings
from codecontext.core.errors import TrainingError
from codecontext.core.paths import cache_directory
from codecontext.core.progress import CancelToken, ProgressCallback
from codecontext.embeddings.huggingface.provider import HuggingFaceEmbeddingProvider
from codecontext.store.embedding_cache import EmbeddingCache
from codecontext.store.lock import writer_lock
from codecontext.training.data.corpus import Corpus, CorpusBuilder
from codecontext.training.data.mining.mine import Mined, mine
from codecontext.training.data.mining.repository import Repository, read_repository
from codecontext.training.data.mining.sift import leaks_query
from codecontext.training.data.pairs import Pair, SourceCount, read_pairs


@dataclass(frozen=True)
class Material:
    """The pairs of a folder, what was left out, and the repository they belong to."""

    pairs: list[Pair]
    sources: list[SourceCount]
    repository: Repository


class Workbench:
    """One folder with its settings; to be closed (``contextlib.closing``)."""

    def __init__(self, folder: Path, settings: Settings, on_progress: ProgressCallback, cancel: CancelToken) -> None:
        self.folder = folder
        self.settings = settings
        self.on_progress = on_progress
        self.cancel = cancel
        self.cache = EmbeddingCache(
            cache_directory() / "embeddings.sqlite", max_bytes=settings.storage.cache_mb * 1_000_000
        )
        self.builder = CorpusBuilder(folder, self.cache, settings.chunking)
        self._held = ExitStack()
        self._is_locked = False

    @cached_property
    def base(self) -> HuggingFaceEmbeddingProvider:
        """The base model without an adapter, loaded. Raises ``ModelUnavailable`` and ``TrainingError``."""
        if importlib.util.find_spec("peft") is None:
            raise TrainingError("Training and measuring need peft, which is not installed.", "Run: pip install peft")
        provider = HuggingFaceEmbeddingProvider(self.settings.embeddings.huggingface, CHUNK_FORMAT)
        provider.load_base()
        return provider

    def material(self, pairs_file: Path | None) -> Material:
        """Pairs from a file, or else mined; either way without those whose code contains the query.

        Raises ``TrainingError`` and ``OperationCancelled``.
        """
        scan = self.settings.indexing
        if pairs_file is None:
            mined, repository = mine(self.folder, scan, on_progress=self.on_progress, cancel=self.cancel)
            return Material(mined.pairs, mined.sources, repository)
        repository = read_repository(self.folder, scan, self.on_progress, self.cancel)
        mined = _checked(read_pairs(pairs_file), repository, pairs_file)
        return Material(mined.pairs, mined.sources, repository)

    def corpus(self, material: Material) -> Corpus:
        """The folder's code with the source of each query hidden, in the base model's space.

        From then on it is this workbench's alone: raises ``IndexLocked`` while another process trains or measures
        on the same folder.
        """
        if not self._is_locked:
            self._held.enter_context(writer_lock(self.builder.directory))
            self._is_locked = True
        return self.builder.build(material.repository, material.pairs, self.base, self.on_progress, self.cancel)

    def close(self) -> None:
        """Free the model, the cache and the lock."""
        self._held.close()
        if "base" in self.__dict__:
            self.base.close()
        self.cache.close()


def _checked(pairs: Sequence[Pair], repository: Repository, file: Path) -> Mined:
    """The pairs of a file that can be used, with counts of the others."""
    kept: list[Pair] = []
    left_out: dict[str, dict[str, int]] = {}
    for pair in pairs:
        missing = [span.path for span in pair.code if span.path not in repository.files]
        reason = "file not in the index" if missing else leaks_query(pair, repository)
        if reason:
            counts = left_out.setdefault(pair.source, {})
            counts[reason] = counts.get(reason, 0) + 1
        else:
            kept.append(pair)
    if not kept:
        raise TrainingError(
            f"No pair in {file} can be used: the code is not in {repository.folder}, or it contains the query text.",
            "Write paths relative to the folder, with '/'.",
        )
    sources = [
        SourceCount(source=name, pairs=sum(pair.source == name for pair in kept), left_out=left_out.get(name, {}))
        for name in dict.fromkeys(pair.source for pair in pairs)
    ]
    return Mined(pairs=kept, sources=sources)
