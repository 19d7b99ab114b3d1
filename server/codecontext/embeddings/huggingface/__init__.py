"""Embedding with any sentence-embedding model in Hugging Face format, and LoRA adapters on it."""

from typing import TYPE_CHECKING

from codecontext.core.lazy import lazy_exports

if TYPE_CHECKING:
    from codecontext.embeddings.huggingface.config import HuggingFaceConfig, HuggingFaceSettings
    from codecontext.embeddings.huggingface.provider import HuggingFaceEmbeddingProvider
    from codecontext.embeddings.model_files import BUNDLED_MODEL
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "BUNDLED_MODEL": "codecontext.embeddings.model_files",
            "HuggingFaceConfig": "codecontext.embeddings.huggingface.config",
            "HuggingFaceEmbeddingProvider": "codecontext.embeddings.huggingface.provider",
            "HuggingFaceSettings": "codecontext.embeddings.huggingface.config",
        },
    )

__all__ = ["BUNDLED_MODEL", "HuggingFaceConfig", "HuggingFaceEmbeddingProvider", "HuggingFaceSettings"]
