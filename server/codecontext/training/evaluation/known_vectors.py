"""A provider for queries whose vectors are made already, so that a whole evaluation embeds them in a few batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from codecontext.adapters import AdapterInfo
from codecontext.core.progress import CancelToken
from codecontext.embeddings.base import BatchCallback, EmbeddingProvider, EmbeddingSpace, InstructionType, Vectors


class KnownVectors(EmbeddingProvider):
    """Answers with the vectors it was given, by text."""

    def __init__(self, space: EmbeddingSpace, vectors: Mapping[str, Vectors]) -> None:
        self._space = space
        self._vectors = vectors

    def initialize(self) -> None:
        """Nothing to load."""

    @property
    def space(self) -> EmbeddingSpace:
        """The space of the documents that the queries are compared with."""
        return self._space

    @property
    def adapter(self) -> AdapterInfo | None:
        """None: which adapter made the vectors is the evaluation's business."""
        return None

    def embed_batch(
        self,
        texts: Sequence[str],
        instruction_type: InstructionType,  # noqa: ARG002 - all are queries
        *,
        names: Sequence[str] | None = None,  # noqa: ARG002
        cancel: CancelToken | None = None,  # noqa: ARG002
        on_batch: BatchCallback | None = None,  # noqa: ARG002
    ) -> Vectors:
        """The vectors of ``texts``, all of which must be known."""
        return np.stack([self._vectors[text] for text in texts])

    def close(self) -> None:
        """Nothing to free."""
