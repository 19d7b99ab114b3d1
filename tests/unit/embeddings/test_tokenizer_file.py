"""A tokenizer read from tokenizer.json alone gives transformers' tokens, and is left to transformers in doubt."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

from codecontext.core.errors import ModelUnavailable
from codecontext.embeddings.model_files import bundled_model_folder, read_model_card
from codecontext.embeddings.tokenizer import TextTokenizer, load_tokenizer
from codecontext.embeddings.tokenizer_file import settings_beside

CONFIG = {"hidden_size": 8, "max_position_embeddings": 64}
WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "get",
    "##user",
    "user",
    "id",
    "(",
    ")",
    ".",
    "a",
    "##n",
    "e",
    "é",
]


def word_piece() -> tuple[Tokenizer, dict[str, Any]]:
    """As BERT's, of a few words."""
    tokenizer = Tokenizer(models.WordPiece({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.add_special_tokens(WORDS[:5])
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return tokenizer, names | {"mask_token": "[MASK]", "tokenizer_class": "BertTokenizer"}


def mpnet() -> tuple[Tokenizer, dict[str, Any]]:
    """As MPNet's: words like BERT's, special tokens like RoBERTa's."""
    vocabulary = {"<s>": 0, "<pad>": 1, "</s>": 2, "[UNK]": 3, "<mask>": 4} | {
        word: number for number, word in enumerate(WORDS[5:], 5)
    }
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "[UNK]", "<mask>"])
    names = {"bos_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "cls_token": "<s>", "pad_token": "<pad>"}
    return tokenizer, names | {"unk_token": "[UNK]", "mask_token": "<mask>", "tokenizer_class": "MPNetTokenizer"}


def byte_level(special: list[str], post: Any) -> Tokenizer:
    """Bytes and a few merges, as RoBERTa and Qwen2 have them."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = [*special, *alphabet, "er", "us"]
    tokenizer = Tokenizer(models.BPE({word: number for number, word in enumerate(words)}, [("e", "r"), ("u", "s")]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    if post is not None:
        tokenizer.post_processor = post
    tokenizer.add_special_tokens(special)
    return tokenizer


def roberta() -> tuple[Tokenizer, dict[str, Any]]:
    """As RoBERTa's."""
    post = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    tokenizer = byte_level(["<s>", "<pad>", "</s>", "<unk>", "<mask>"], post)
    names = {"bos_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "cls_token": "<s>", "pad_token": "<pad>"}
    return tokenizer, names | {"unk_token": "<unk>", "mask_token": "<mask>", "tokenizer_class": "RobertaTokenizer"}


def qwen2() -> tuple[Tokenizer, dict[str, Any]]:
    """As Qwen2's."""
    tokenizer = byte_level(["<|endoftext|>", "<|im_start|>"], None)
    tokenizer.normalizer = normalizers.NFC()
    words = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    words += r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(words), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    names = {"eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>", "tokenizer_class": "Qwen2Tokenizer"}
    return tokenizer, names | {"additional_special_tokens": ["<|im_start|>"]}


KINDS = {"bert": word_piece, "mpnet": mpnet, "roberta": roberta, "qwen2": qwen2}
TEXTS = [
    "",
    "getUserId(a)",
    "GET user.id  \n\té É ẽ [MASK] <mask>[CLS] <s>",
    "사용자 中文 🚀",
    "user " * 40,
    "<|end|> after",
]


def save(folder: Path, kind: str, **changes: Any) -> Path:
    """The folder of a model of this kind with a tokenizer and changed settings; None takes one away."""
    tokenizer, settings = KINDS[kind]()
    folder.mkdir(exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    kept = {name: value for name, value in (settings | changes).items() if value is not None or name == "strip_accents"}
    (folder / "tokenizer_config.json").write_text(json.dumps(kept), encoding="utf-8")
    (folder / "config.json").write_text(json.dumps(CONFIG | {"model_type": kind}), encoding="utf-8")
    (folder / "model.safetensors").write_bytes(b"")
    return folder


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "changes", [{}, {"truncation_side": "left"}, {"tokenizer_class": "PreTrainedTokenizerFast"}, {"unk_token": None}]
)
def test_gives_the_tokens_of_transformers(tmp_path: Path, kind: str, changes: dict[str, Any]) -> None:
    card = read_model_card("model", save(tmp_path / "model", kind, **changes))

    found = TextTokenizer.from_file(card, 12)

    assert found is not None
    expected = TextTokenizer.from_model(card, 12)
    assert found.encode(TEXTS) == expected.encode(TEXTS)
    assert found.pad_id == expected.pad_id


def test_the_bundled_models_is_read_alone(texts) -> None:
    card = read_model_card("bundled", bundled_model_folder())

    found = TextTokenizer.from_file(card, 256)

    assert found is not None
    assert found.encode([*texts, *TEXTS]) == TextTokenizer.from_model(card, 256).encode([*texts, *TEXTS])


def test_lowercases_where_the_model_wants_it(tmp_path: Path) -> None:
    folder = save(tmp_path / "model", "roberta")
    (folder / "sentence_bert_config.json").write_text('{"do_lower_case": true}', encoding="utf-8")
    card = read_model_card("model", folder)

    found = TextTokenizer.from_file(card, 12)

    assert found is not None
    assert found.encode(["USER"]) == found.encode(["user"]) == TextTokenizer.from_model(card, 12).encode(["USER"])


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("bert", {"do_lower_case": False}),
        ("bert", {"strip_accents": False}),
        ("bert", {"tokenize_chinese_chars": False}),
        ("bert", {"additional_special_tokens": ["[NEW]"]}),
        ("bert", {"mask_token": {"content": "[OTHER]"}}),
        ("bert", {"added_tokens_decoder": {"77": {"content": "[NEW]"}}}),
        ("bert", {"pad_token": None}),
        ("bert", {"tokenizer_class": None}),
        ("bert", {"tokenizer_class": "XLNetTokenizer"}),
        ("bert", {"tokenizer_class": 3}),
        ("mpnet", {"do_lower_case": False}),
        ("roberta", {"add_prefix_space": True}),
        ("qwen2", {"pad_token": 7}),
        ("qwen2", {"add_prefix_space": True}),
        ("qwen2", {"tokenizer_class": "BertTokenizer"}),
    ],
)
def test_leaves_to_transformers_what_settings_overrule(tmp_path: Path, kind: str, changes: dict[str, Any]) -> None:
    assert settings_beside(save(tmp_path / "model", kind, **changes), kind) is None


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '{"added_tokens": 3}'])
@pytest.mark.parametrize("file", ["tokenizer.json", "tokenizer_config.json"])
def test_leaves_to_transformers_what_it_cannot_read(tmp_path: Path, file: str, content: str) -> None:
    folder = save(tmp_path / "model", "bert")
    (folder / file).write_text(content, encoding="utf-8")

    assert settings_beside(folder, "bert") is None


def test_a_damaged_tokenizer_is_said(tmp_path: Path) -> None:
    folder = save(tmp_path / "model", "bert")
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    (folder / "tokenizer.json").write_text(json.dumps(content | {"model": {"type": "None"}}), encoding="utf-8")

    with pytest.raises(ModelUnavailable, match="tokenizer of model cannot be loaded"):
        load_tokenizer(read_model_card("model", folder), 12)


def test_what_takes_transformers_is_copied_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = read_model_card("model", save(tmp_path / "model", "bert", do_lower_case=False))
    expected = load_tokenizer(card, 12).encode(TEXTS)
    monkeypatch.setattr(TextTokenizer, "from_model", pytest.fail)

    assert load_tokenizer(card, 12).encode(TEXTS) == expected


def test_a_damaged_copy_is_rebuilt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    monkeypatch.setenv("CODECONTEXT_HOME", str(tmp_path / "home"))
    card = read_model_card("model", save(tmp_path / "model", "bert", do_lower_case=False))
    expected = load_tokenizer(card, 12).encode(TEXTS)
    [copy] = (tmp_path / "home" / "cache" / "tokenizers").iterdir()
    copy.write_text(copy.read_text(encoding="utf-8")[:1000], encoding="utf-8")

    assert load_tokenizer(card, 12).encode(TEXTS) == expected
    assert "is written again" in caplog.text


def test_a_copy_that_cannot_be_kept_only_costs_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("CODECONTEXT_HOME", str(tmp_path / "file" / "home"))
    card = read_model_card("model", save(tmp_path / "model", "bert", do_lower_case=False))

    assert load_tokenizer(card, 12).encode(["a"]) == [[2, 12, 3]]
    assert "tokenizer cannot be stored" in caplog.text


def test_imports_neither_transformers_nor_torch(tmp_path: Path) -> None:
    folder = shutil.copytree(bundled_model_folder(), tmp_path / "model")
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from codecontext.embeddings.model_files import read_model_card\n"
        "from codecontext.embeddings.tokenizer import load_tokenizer\n"
        "load_tokenizer(read_model_card('model', Path(sys.argv[1])), 64).encode(['a'])\n"
        "print([name for name in ('torch', 'transformers') if name in sys.modules])\n"
    )

    result = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)

    assert result.stdout.strip() == "[]"


def test_leaves_to_transformers_what_the_kind_of_model_overrules(small_model: Path) -> None:
    """Its file splits words as GPT-2 did, which transformers does not believe of a Qwen2 model."""
    assert settings_beside(small_model, "qwen2") is None
    assert settings_beside(bundled_model_folder(), "bert") is not None
    assert settings_beside(bundled_model_folder(), "qwen2") is None
    assert settings_beside(bundled_model_folder(), "xlm-roberta") is None
