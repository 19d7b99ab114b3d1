"""Whether a model's ``tokenizer.json`` alone says which tokens transformers would give.

transformers overrules parts of that file by settings in ``tokenizer_config.json`` and by what some of its classes
insist on. Importing it to find out takes seconds and hundreds of megabytes, so the files are compared here. Their
format: https://huggingface.co/docs/tokenizers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codecontext.core.json_file import read_json_file

TOKENIZER_FILE = "tokenizer.json"

_MAX_BYTES = 200_000_000
_SPECIAL_TOKENS = ("bos_token", "cls_token", "eos_token", "mask_token", "pad_token", "sep_token", "unk_token")
_MORE_SPECIAL_TOKENS = ("additional_special_tokens", "extra_special_tokens")

# Classes of transformers, without the word Fast that may follow.
_WORD_PIECE = frozenset({"BertTokenizer", "MPNetTokenizer"})
_BYTE_LEVEL = frozenset({"RobertaTokenizer"})
_GENERIC = frozenset({"PreTrainedTokenizer", "Qwen2Tokenizer", "TokenizersBackend"})


@dataclass(frozen=True, slots=True)
class TokenizerSettings:
    """What is not in ``tokenizer.json``."""

    truncation_side: str
    pad_token: str


def settings_beside(folder: Path) -> TokenizerSettings | None:
    """What else to know of the ``tokenizer.json`` in ``folder``; ``None`` where transformers has to be asked."""
    try:
        tokenizer = read_json_file(folder / TOKENIZER_FILE, max_bytes=_MAX_BYTES)
        settings = read_json_file(folder / "tokenizer_config.json", max_bytes=_MAX_BYTES)
        if not _agree(settings, tokenizer):
            return None
        return TokenizerSettings(settings.get("truncation_side", "right"), _content(settings["pad_token"]))
    except (AttributeError, KeyError, OSError, TypeError, ValueError):
        return None


def _agree(settings: Mapping[str, Any], tokenizer: Mapping[str, Any]) -> bool:
    added = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    if not all(token in added for token in _special_tokens(settings)):
        return False
    if any(added.get(token["content"]) != int(number) for number, token in _added_tokens(settings)):
        return False
    kind = settings["tokenizer_class"].removesuffix("Fast")
    if kind in _WORD_PIECE:
        return _is_word_piece(settings, tokenizer)
    if kind in _BYTE_LEVEL:
        return _is_byte_level(settings, tokenizer)
    return kind in _GENERIC


def _special_tokens(settings: Mapping[str, Any]) -> Iterator[str]:
    yield from (_content(settings[name]) for name in _SPECIAL_TOKENS if settings.get(name) is not None)
    for name in _MORE_SPECIAL_TOKENS:
        yield from map(_content, settings.get(name) or ())


def _added_tokens(settings: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from (settings.get("added_tokens_decoder") or {}).items()


def _content(token: str | Mapping[str, Any]) -> str:
    """A token is written as itself, or as an object with its properties."""
    content = token if isinstance(token, str) else token["content"]
    if not isinstance(content, str):
        raise TypeError(f"a token is {content!r}")
    return content


def _is_word_piece(settings: Mapping[str, Any], tokenizer: Mapping[str, Any]) -> bool:
    """Whether the settings, with the defaults of transformers' class, are those of the file."""
    wanted = {
        "type": "BertNormalizer",
        "clean_text": True,
        "handle_chinese_chars": settings.get("tokenize_chinese_chars", True),
        "strip_accents": settings.get("strip_accents"),
        "lowercase": settings.get("do_lower_case", True),
    }
    return bool(tokenizer["normalizer"] == wanted and tokenizer["pre_tokenizer"] == {"type": "BertPreTokenizer"})


def _is_byte_level(settings: Mapping[str, Any], tokenizer: Mapping[str, Any]) -> bool:
    split = tokenizer["pre_tokenizer"]
    spaces = settings.get("add_prefix_space", False)
    return tokenizer["normalizer"] is None and (split["type"], split["add_prefix_space"]) == ("ByteLevel", spaces)
