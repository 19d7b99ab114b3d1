"""What runs a model: torch anywhere, OpenVINO on CPUs. Both give the same vectors."""

from codecontext.embeddings.backends.base import EmbeddingBackend
from codecontext.embeddings.backends.batching import embed_tokens

__all__ = ["EmbeddingBackend", "embed_tokens"]
