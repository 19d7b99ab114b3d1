"""Which modules of a base model an adapter means, whatever it was trained inside of."""

from __future__ import annotations

import numpy as np
import pytest

from codecontext.adapters import BaseArchitecture, check_compatible, inspect_adapter
from codecontext.adapters.fit import fit_adapter
from codecontext.core.errors import AdapterError

from .conftest import IN, MODULES, OUT, lora_tensors

OTHERS = ("encoder.layer.1.attention.self.query", "pooler.dense", "embeddings.word_embeddings")
BASE = (*MODULES, *OTHERS[1:])


def wrapped(prefix: str) -> dict[str, np.ndarray]:
    return {name.replace("base_model.model.", f"base_model.model.{prefix}"): x for name, x in lora_tensors().items()}


@pytest.mark.parametrize(
    "prefix", ["", "bert.", "model.", "module.", "0.auto_model.", "auto_model.", "module.model.bert.", "0.model."]
)
@pytest.mark.parametrize(
    "targets",
    [
        ["query", "value"],
        r".*\.(query|value)",
        "{prefix}encoder.layer.0.attention.self.query|{prefix}encoder.layer.0.attention.self.value",
        ["{prefix}encoder.layer.0.attention.self.query", "encoder.layer.0.attention.self.value"],
        "all-linear",
    ],
    ids=["ends", "pattern", "whole names in a pattern", "whole names", "all-linear"],
)
def test_finds_the_base_inside_of_what_was_trained(write_adapter, prefix, targets):
    spelled = (
        [each.format(prefix=prefix) for each in targets]
        if isinstance(targets, list)
        else targets.replace("{prefix}", prefix)
    )
    info = inspect_adapter(write_adapter(tensors=wrapped(prefix), target_modules=spelled))

    fitted = fit_adapter(info, BASE)

    assert [(layer.module, layer.saved) for layer in fitted.layers] == [(name, prefix + name) for name in MODULES]
    base = BaseArchitecture("example/base", info.path, "", dict.fromkeys(BASE, (OUT, IN)))
    assert check_compatible(info, base) == []


def test_leaves_out_a_head_that_the_base_does_not_have(write_adapter):
    head = {
        "base_model.model.lm_head.lora_A.weight": np.ones((4, 6), dtype=np.float32),
        "base_model.model.lm_head.lora_B.weight": np.ones((9, 4), dtype=np.float32),
        "base_model.model.score.weight": np.ones((2, 6), dtype=np.float32),
    }
    info = inspect_adapter(
        write_adapter(tensors=wrapped("model.") | head, target_modules=["query", "value", "lm_head"])
    )

    fitted = fit_adapter(info, BASE)

    assert [layer.module for layer in fitted.layers] == list(MODULES)
    assert fitted.heads == ("lm_head", "score")
    base = BaseArchitecture("example/base", info.path, "", dict.fromkeys(BASE, (OUT, IN)))
    [warning] = check_compatible(info, base)
    assert "lm_head, score, which example/base does not have" in warning


def test_refuses_names_that_fit_in_two_ways(write_adapter):
    tensors = lora_tensors(modules=("module.model.encoder.query",))
    info = inspect_adapter(write_adapter(tensors=tensors, target_modules=["query"]))

    with pytest.raises(AdapterError, match=r"module\.model\.encoder\.query may be encoder\.query or query"):
        fit_adapter(info, ("encoder.query", "query"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"target_modules": "(([a-z0-9._]+)+)+!"}, "selects none of the modules"),
        ({"target_modules": ["q", "v"]}, r"target_modules = \['q', 'v'\], which selects none"),
        ({"exclude_modules": ".*"}, "selects none"),
        ({"target_modules": ["query", "value", "word_embeddings"]}, "incomplete.*word_embeddings"),
        ({"r": 2, "rank_pattern": {"self.query": 2, "nothing": 4}}, "another rank than configured"),
    ],
)
def test_refuses_settings_that_contradict_the_weights(write_adapter, changes, said):
    info = inspect_adapter(write_adapter(**changes))

    with pytest.raises(AdapterError, match=said):
        fit_adapter(info, BASE)


def test_a_pattern_that_keeps_re_busy_for_ever_is_answered(write_adapter):
    deep = "encoder." + "a" * 10_000
    info = inspect_adapter(
        write_adapter(
            target_modules=r"(([a-z0-9._]+)+)+(query|value)",
            exclude_modules="(([a-z0-9._]+)+)+!",
            rank_pattern={"(([a-z0-9._]+)+)+!": 8, "(a|a)*(a|a)*!": 9},
            alpha_pattern={"(([a-z0-9._]+)+)+value": 3},
        )
    )

    fitted = fit_adapter(info, [*MODULES, deep])

    assert [(layer.module, layer.rank, layer.alpha) for layer in fitted.layers] == [
        (MODULES[0], 4, 8),
        (MODULES[1], 4, 3),
    ]


@pytest.mark.parametrize(
    ("changes", "selected"),
    [
        ({"layers_to_transform": 0}, {0}),
        ({"layers_to_transform": [1]}, {1}),
        ({"layers_to_transform": []}, {0, 1}),
        ({"layers_to_transform": [0, 1], "layers_pattern": "layer"}, {0, 1}),
        ({"layers_to_transform": [1], "layers_pattern": ["block", "lay.r"]}, {1}),
    ],
)
def test_layers_are_counted_as_peft_counts_them(write_adapter, changes, selected):
    modules = [f"encoder.layer.{number}.attention.self.query" for number in (0, 1)]
    info = inspect_adapter(
        write_adapter(tensors=lora_tensors(modules=tuple(modules)), target_modules=["query"], **changes)
    )

    fitted = fit_adapter(info, modules)

    assert {layer.module for layer in fitted.layers} == {modules[number] for number in selected}
