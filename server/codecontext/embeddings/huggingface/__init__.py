"""Embedding with any sentence-embedding model in Hugging Face format, and LoRA adapters on it."""

from codecontext.embeddings.huggingface.config import BUNDLED_MODEL, HuggingFaceConfig
from codecontext.embeddings.huggingface.provider import HuggingFaceEmbeddingProvider

__all__ = ["BUNDLED_MODEL", "HuggingFaceConfig", "HuggingFaceEmbeddingProvider"]
