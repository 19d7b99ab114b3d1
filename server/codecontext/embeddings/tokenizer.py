"""Text to token ids, with the tokenizers library alone wherever that is possible."""

from __future__ import annotations

import importlib.metadata
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tokenizers import Tokenizer
from tokenizers.normalizers import Lowercase
from tokenizers.normalizers import Sequence as NormalizerSequence

from codecontext.core import content_digest
from codecontext.core.atomic import write_file
from codecontext.core.errors import ModelUnavailable
from codecontext.core.paths import codecontext_home
from codecontext.core.private import make_private
from codecontext.embeddings.model_files import ModelCard
from codecontext.embeddings.tokenizer_file import TOKENIZER_FILE, settings_beside

logger = logging.getLogger(__name__)


class TextTokenizer:
    """Truncates texts to ``max_tokens``, special tokens included, as in the model's training."""

    def __init__(self, tokenizer: Tokenizer, pad_id: int) -> None:
        self._tokenizer = tokenizer
        self.pad_id = pad_id

    @classmethod
    def from_model(cls, card: ModelCard, max_tokens: int) -> Self:
        """Load through transformers, which knows each family's settings. Raises ``ModelUnavailable``."""
        from transformers import AutoTokenizer

        try:
            tokenizer = AutoTokenizer.from_pretrained(
                card.folder, local_files_only=True, trust_remote_code=False, use_fast=True
            )
        except Exception as error:
            raise _unloadable(card, error) from error
        if not tokenizer.is_fast:
            raise ModelUnavailable(
                f"The model {card.name} has no fast tokenizer (tokenizer.json).", "Choose another model."
            )
        return cls._limited(
            tokenizer.backend_tokenizer, card, max_tokens, tokenizer.truncation_side, tokenizer.pad_token_id
        )

    @classmethod
    def from_file(cls, card: ModelCard, max_tokens: int) -> Self | None:
        """Load ``tokenizer.json`` alone; ``None`` where it takes transformers. Raises ``ModelUnavailable``."""
        settings = settings_beside(card.folder, card.model_type)
        if settings is None:
            return None
        try:
            tokenizer = Tokenizer.from_file(str(card.folder / TOKENIZER_FILE))
        except Exception as error:
            raise _unloadable(card, error) from error
        pad_id = tokenizer.token_to_id(settings.pad_token)
        return cls._limited(tokenizer, card, max_tokens, settings.truncation_side, pad_id)

    @classmethod
    def from_json(cls, content: str) -> Self:
        """Read what ``to_json`` gave; a fraction of ``from_model``'s time."""
        tokenizer = Tokenizer.from_str(content)
        padding = tokenizer.padding
        return cls(tokenizer, padding["pad_id"] if padding else 0)._without_padding()

    def to_json(self) -> str:
        """The tokenizer with its limit and its pad token, in the tokenizers library's format."""
        copy = Tokenizer.from_str(self._tokenizer.to_str())
        copy.enable_padding(pad_id=self.pad_id)
        content: str = copy.to_str()
        return content

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text; at least one, so that an empty text has a vector too."""
        encodings = self._tokenizer.encode_batch_fast(list(texts))
        return [encoding.ids or [self.pad_id] for encoding in encodings]

    @classmethod
    def _limited(cls, tokenizer: Tokenizer, card: ModelCard, max_tokens: int, side: str, pad_id: int | None) -> Self:
        if card.lowercase:
            steps = [Lowercase(), tokenizer.normalizer] if tokenizer.normalizer else [Lowercase()]
            tokenizer.normalizer = NormalizerSequence(steps)
        tokenizer.enable_truncation(max_tokens, direction=side)
        return cls(tokenizer, 0 if pad_id is None else pad_id)._without_padding()

    def _without_padding(self) -> Self:
        self._tokenizer.no_padding()
        return self


def load_tokenizer(card: ModelCard, max_tokens: int) -> TextTokenizer:
    """The model's tokenizer. Where it takes transformers, a copy is kept, so that the next start does without.

    Raises ``ModelUnavailable``.
    """
    return TextTokenizer.from_file(card, max_tokens) or _copied(card, max_tokens)


def _copied(card: ModelCard, max_tokens: int) -> TextTokenizer:
    copy = _cached_copy(card, max_tokens)
    try:
        content = copy.read_text(encoding="utf-8")
        json.loads(content)
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        logger.warning("The tokenizer copy %s cannot be read and is written again: %s", copy, error)
    else:
        return TextTokenizer.from_json(content)
    tokenizer = TextTokenizer.from_model(card, max_tokens)
    _write(copy, tokenizer.to_json())
    return tokenizer


def _unloadable(card: ModelCard, error: Exception) -> ModelUnavailable:
    """What to say of strange files, for which the tokenizers library raises nothing more special."""
    return ModelUnavailable(
        f"The tokenizer of {card.name} cannot be loaded: {error}", "Download or copy the model again."
    )


def _cached_copy(card: ModelCard, max_tokens: int) -> Path:
    key = content_digest(card.digest, str(max_tokens), str(card.lowercase), importlib.metadata.version("transformers"))
    return codecontext_home() / "cache" / "tokenizers" / f"{key}.json"


def _write(path: Path, content: str) -> None:
    """Write ``path`` in one step, so that it is never read half-written."""
    try:
        make_private(path.parent)
        write_file(path, content, private=True)
    except OSError as error:
        logger.warning("The tokenizer cannot be stored, so the next start is slower: %s", error)
