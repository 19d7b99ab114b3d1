"""Texts to vectors. Nothing here imports torch until a model is loaded."""

from typing import TYPE_CHECKING

from codecontext.core.lazy import lazy_exports

if TYPE_CHECKING:
    from codecontext.embeddings.base import (
        BatchCallback,
        EmbeddingProvider,
        EmbeddingSpace,
        InstructionType,
        Vectors,
    )
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "BatchCallback": "codecontext.embeddings.base",
            "EmbeddingProvider": "codecontext.embeddings.base",
            "EmbeddingSpace": "codecontext.embeddings.base",
            "InstructionType": "codecontext.embeddings.base",
            "Vectors": "codecontext.embeddings.base",
        },
    )

__all__ = ["BatchCallback", "EmbeddingProvider", "EmbeddingSpace", "InstructionType", "Vectors"]
