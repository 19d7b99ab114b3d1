"""Embedding with any sentence-embedding model in Hugging Face format, and LoRA adapters on it."""

from codecontext.embeddings.huggingface.config import HuggingFaceConfig, HuggingFaceSettings
from codecontext.embeddings.huggingface.provider import HuggingFaceEmbeddingProvider
from codecontext.embeddings.model_files import BUNDLED_MODEL

__all__ = ["BUNDLED_MODEL", "HuggingFaceConfig", "HuggingFaceEmbeddingProvider", "HuggingFaceSettings"]
