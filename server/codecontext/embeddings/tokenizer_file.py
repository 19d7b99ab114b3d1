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

# The classes that are known here, without the word Fast that may follow, and the special tokens that each adds to its
# vocabulary unless the settings name others.
_MARKS = {
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
    "pad_token": "[PAD]",
    "sep_token": "[SEP]",
    "unk_token": "[UNK]",
}
_TAGS = {
    "bos_token": "<s>",
    "cls_token": "<s>",
    "eos_token": "</s>",
    "mask_token": "<mask>",
    "pad_token": "<pad>",
    "sep_token": "</s>",
    "unk_token": "<unk>",
}
_ENDS = dict.fromkeys(("eos_token", "pad_token", "unk_token"), "<|endoftext|>")
_DEFAULT_TOKENS: dict[str, dict[str, str]] = {
    "BertTokenizer": _MARKS,
    "MPNetTokenizer": _TAGS | {"unk_token": "[UNK]"},
    "RobertaTokenizer": _TAGS,
    "Qwen2Tokenizer": _ENDS,
    "PreTrainedTokenizer": {},
    "TokenizersBackend": {},
}
# Depending on its version, transformers takes the class that the settings name or the one of the kind of model.
_CLASS_OF_MODEL = {
    "bert": "BertTokenizer",
    "mpnet": "MPNetTokenizer",
    "qwen2": "Qwen2Tokenizer",
    "roberta": "RobertaTokenizer",
}

# How Qwen2 splits text into words: https://huggingface.co/Qwen/Qwen2-0.5B/blob/main/tokenizer.json.
_QWEN2_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


@dataclass(frozen=True, slots=True)
class TokenizerSettings:
    """What is not in ``tokenizer.json``."""

    truncation_side: str
    pad_token: str


def settings_beside(folder: Path, model_type: str) -> TokenizerSettings | None:
    """What else to know of the ``tokenizer.json`` in ``folder``; ``None`` where transformers has to be asked."""
    try:
        tokenizer = read_json_file(folder / TOKENIZER_FILE, max_bytes=_MAX_BYTES)
        settings = read_json_file(folder / "tokenizer_config.json", max_bytes=_MAX_BYTES)
        if not _agree(settings, tokenizer, model_type):
            return None
        return TokenizerSettings(settings.get("truncation_side", "right"), _content(settings["pad_token"]))
    except (AttributeError, KeyError, OSError, TypeError, ValueError):
        return None


def _agree(settings: Mapping[str, Any], tokenizer: Mapping[str, Any], model_type: str) -> bool:
    added = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    if any(added.get(token["content"]) != int(number) for number, token in _added_tokens(settings)):
        return False
    classes = {settings["tokenizer_class"].removesuffix("Fast"), _CLASS_OF_MODEL[model_type]}
    return all(
        kind in _DEFAULT_TOKENS
        and all(token in added for token in _special_tokens({**_DEFAULT_TOKENS[kind], **settings}))
        and _is_what_class_makes(kind, settings, tokenizer)
        for kind in classes
    )


def _is_what_class_makes(kind: str, settings: Mapping[str, Any], tokenizer: Mapping[str, Any]) -> bool:
    match kind:
        case "BertTokenizer" | "MPNetTokenizer":
            return _is_word_piece(settings, tokenizer)
        case "RobertaTokenizer":
            return _is_byte_level(settings, tokenizer)
        case "Qwen2Tokenizer":
            return _is_qwen2(settings, tokenizer)
        case _:
            return True  # they take the file as it stands


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


def _is_qwen2(settings: Mapping[str, Any], tokenizer: Mapping[str, Any]) -> bool:
    words, letters = tokenizer["pre_tokenizer"]["pretokenizers"]
    return (
        tokenizer["normalizer"] == {"type": "NFC"}
        and (words["type"], words["pattern"], words["behavior"]) == ("Split", {"Regex": _QWEN2_WORDS}, "Isolated")
        and (letters["type"], letters["use_regex"]) == ("ByteLevel", False)
        and letters["add_prefix_space"] == bool(settings.get("add_prefix_space"))
    )
