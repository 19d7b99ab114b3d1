"""Text to token ids, with the tokenizers library alone once a tokenizer is saved."""

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
        except Exception as error:  # the tokenizers library raises nothing more special for a strange file
            raise ModelUnavailable(
                f"The tokenizer of {card.name} cannot be loaded: {error}", "Download or copy the model again."
            ) from error
        if not tokenizer.is_fast:
            raise ModelUnavailable(
                f"The model {card.name} has no fast tokenizer (tokenizer.json).", "Choose another model."
            )
        fast: Tokenizer = tokenizer.backend_tokenizer
        if card.lowercase:
            steps = [Lowercase(), fast.normalizer] if fast.normalizer else [Lowercase()]
            fast.normalizer = NormalizerSequence(steps)
        fast.enable_truncation(max_tokens, direction=tokenizer.truncation_side)
        pad_id = tokenizer.pad_token_id
        return cls(fast, 0 if pad_id is None else pad_id)._without_padding()

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

    def _without_padding(self) -> Self:
        self._tokenizer.no_padding()
        return self


def load_tokenizer(card: ModelCard, max_tokens: int) -> TextTokenizer:
    """The model's tokenizer; from a copy in the cache if there is one, which spares importing transformers.

    Raises ``ModelUnavailable``.
    """
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


def is_tokenizer_copied(card: ModelCard, max_tokens: int) -> bool:
    """Whether ``load_tokenizer`` will most likely find a copy, and import neither transformers nor torch."""
    return _cached_copy(card, max_tokens).is_file()


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
