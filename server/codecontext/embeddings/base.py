"""What every embedding provider promises, and what makes two vectors comparable."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from enum import StrEnum
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeAlias

from pydantic import BaseModel, ConfigDict

from codecontext.core import CancelToken, content_digest
from codecontext.core.errors import AdapterError

if TYPE_CHECKING:  # settings need the instruction types, and neither numpy nor adapters
    import numpy as np
    from numpy.typing import NDArray

    from codecontext.adapters import AdapterInfo

SPACE_ID_LENGTH = 16

Vectors: TypeAlias = "NDArray[np.float32]"
"""One vector, shape ``(d,)``, or one row a text, shape ``(n, d)``."""

BatchCallback: TypeAlias = "Callable[[Sequence[int], Vectors], None]"
"""Called after each batch with the positions of its texts and their vectors, so that work can be kept."""


class InstructionType(StrEnum):
    """What a text is for: the task, and the side of it that the text is on.

    Models trained with instructions put a different prompt before each; others treat all the same.
    """

    NL2CODE_QUERY = "nl2code.query"
    NL2CODE_PASSAGE = "nl2code.passage"
    CODE2CODE_QUERY = "code2code.query"
    CODE2CODE_PASSAGE = "code2code.passage"
    QA_QUERY = "qa.query"
    QA_PASSAGE = "qa.passage"

    @property
    def task(self) -> str:
        """``nl2code``, ``code2code`` or ``qa``."""
        return self.value.partition(".")[0]

    @property
    def is_query(self) -> bool:
        """Whether the text is a query, not a text that is searched."""
        return self.value.endswith(".query")


class EmbeddingSpace(BaseModel):
    """Everything that decides what a document vector means.

    Vectors of two spaces are never compared, mixed or stored in one table. What only decides how fast a
    vector is made (backend, device, precision, batch size) is absent: those agree to a cosine of 0.999. So
    is everything that touches queries alone, such as a query-side adapter.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_model: str
    """Digest of the base model's weights, configuration and tokenizer."""
    document_adapter: str = ""
    """Fingerprint of the adapter that documents pass through; empty for none."""
    pooling: str
    normalize: bool
    document_prompts: dict[str, str]
    """Instruction type of each passage side → its prompt."""
    max_tokens: int
    dimension: int
    chunk_format: str
    """Version of how a chunk becomes the text that is embedded; the caller's."""

    @property
    def space_id(self) -> str:
        """Short name of the space: 16 hex digits, equal exactly when every field is."""
        prompts = (part for pair in sorted(self.document_prompts.items()) for part in pair)
        return content_digest(
            self.base_model,
            self.document_adapter,
            self.pooling,
            str(self.normalize),
            str(self.max_tokens),
            str(self.dimension),
            self.chunk_format,
            *prompts,
        )[:SPACE_ID_LENGTH]


class EmbeddingProvider(ABC):
    """Turns texts into vectors of one embedding space.

    Construction is cheap; ``initialize`` loads the model. After it, ``embed_text`` and ``embed_batch`` may be
    called from several threads.
    """

    @abstractmethod
    def initialize(self) -> None:
        """Load what is needed to embed. Calling it again does nothing.

        Raises ``ModelUnavailable`` when the base model cannot be loaded, ``AdapterError`` when only the
        adapter cannot: then the base model is in place and embeds.
        """

    @property
    @abstractmethod
    def space(self) -> EmbeddingSpace:
        """The space of the document vectors made now."""

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        return self.space.dimension

    @property
    @abstractmethod
    def adapter(self) -> AdapterInfo | None:
        """The adapter in use; ``None`` when the base model is active."""

    @property
    def adapter_problem(self) -> AdapterError | None:
        """Why the configured adapter is not in use although ``initialize`` raised nothing; None otherwise."""
        return None

    @abstractmethod
    def embed_batch(
        self,
        texts: Sequence[str],
        instruction_type: InstructionType,
        *,
        names: Sequence[str] | None = None,
        cancel: CancelToken | None = None,
        on_batch: BatchCallback | None = None,
    ) -> Vectors:
        """Vectors of ``texts``, one row each, in their order; shape ``(n, d)``, also for no texts.

        ``names`` say in errors which text is meant (``path:line``). ``cancel`` is looked at between batches.
        Raises ``EmbeddingError`` for a vector that is not finite and for a text that does not fit in
        memory, ``OperationCancelled`` when asked to stop.
        """

    def embed_text(self, text: str, instruction_type: InstructionType) -> Vectors:
        """Vector of one text, shape ``(d,)``."""
        vector: Vectors = self.embed_batch([text], instruction_type)[0]
        return vector

    @abstractmethod
    def close(self) -> None:
        """Free the model's memory. ``initialize`` loads it again."""

    def __enter__(self) -> Self:
        self.initialize()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
