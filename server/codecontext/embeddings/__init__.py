"""Texts to vectors. Nothing here imports torch until a model is loaded."""

from codecontext.embeddings.base import (
    BatchCallback,
    EmbeddingProvider,
    EmbeddingSpace,
    InstructionType,
    Vectors,
)

__all__ = ["BatchCallback", "EmbeddingProvider", "EmbeddingSpace", "InstructionType", "Vectors"]
