"""Adapters from anybody: any configuration and any weights are described, or refused as ``AdapterError``, in time."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codecontext.adapters import AdapterInfo, BaseArchitecture, InvalidAdapter, check_compatible, discover_adapters
from codecontext.adapters.fit import fit_adapter
from codecontext.adapters.inspect import inspect_adapter
from codecontext.core.errors import AdapterError
from codecontext.embeddings.openvino.lora import UnsupportedAdapter, merged_weights
from fuzz.bounds import FUZZ

LAYERS = [f"encoder.layer.{number}.attention.self.{kind}" for number in range(2) for kind in ("query", "value")]
MODULES = {**dict.fromkeys(LAYERS, (6, 5)), "pooler.dense": (6, 6), "encoder." + "a" * 5_000: (6, 5)}
WEIGHTS = {f"{module}.weight": np.ones(shape, dtype=np.float32) for module, shape in MODULES.items()}
RANK = 2

NUMBERS = st.one_of(st.integers(-3, 9), st.integers(), st.floats(), st.just(10**400))
NAMES = st.one_of(st.sampled_from(["query", "value", "pooler", *LAYERS]), st.text(max_size=20))
PATTERNS = st.one_of(
    st.lists(st.sampled_from(["(", ")", "[a-z]", ".", "*", "+", "{1,9}", "|", "query", r"\.", "!"]), max_size=20).map(
        "".join
    ),
    st.sampled_from(["(([a-z0-9._]+)+)+!", "(a|a)*(a|aa)*!", ".*.*.*.*.*.*!", "(?!query).*", "[z-a]", r"(.)\1", "("]),
    st.text(max_size=30),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=10)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=10), inner, max_size=4)),
    max_leaves=10,
)
LISTED = st.one_of(PATTERNS, NAMES, st.lists(st.one_of(NAMES, PATTERNS), max_size=4))
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "peft_type": st.sampled_from(["LORA", "IA3", "LOHA", "PROMPT_TUNING", "lora", 3, None]),
    "task_type": st.sampled_from(["CAUSAL_LM", "FEATURE_EXTRACTION", "?", 1]),
    "base_model_name_or_path": st.one_of(st.text(max_size=20), NUMBERS),
    "r": st.one_of(st.just(RANK), NUMBERS),
    "lora_alpha": NUMBERS,
    "target_modules": LISTED,
    "exclude_modules": LISTED,
    "layers_pattern": LISTED,
    "layers_to_transform": st.one_of(NUMBERS, st.lists(NUMBERS, max_size=3)),
    "rank_pattern": st.dictionaries(PATTERNS, st.one_of(st.just(RANK), NUMBERS), max_size=4),
    "alpha_pattern": st.dictionaries(PATTERNS, NUMBERS, max_size=4),
    "modules_to_save": st.lists(NAMES, max_size=3),
    "init_lora_weights": st.one_of(
        st.booleans(), st.sampled_from(["pissa", "pissa_niter_4", "olora", "eva"]), st.text()
    ),
    "bias": st.sampled_from(["none", "all", "lora_only", "other"]),
    "use_dora": st.booleans(),
    "use_rslora": st.booleans(),
    "loftq_config": JSON,
    "layer_replication": JSON,
    "target_parameters": JSON,
}
SOUND = {"peft_type": "LORA", "r": RANK, "lora_alpha": 4, "target_modules": ["query", "value"]}


@st.composite
def configurations(draw: st.DrawFn) -> bytes:
    """Bytes of an ``adapter_config.json``: a sound one with some fields changed, any JSON, or any bytes."""
    kind = draw(st.sampled_from(["changed", "changed", "changed", "json", "deep", "bytes"]))
    if kind == "bytes":
        return draw(st.binary(max_size=60))
    if kind == "deep":
        depth = draw(st.integers(1, 5_000))
        return b'{"a":' + b"[" * depth + draw(st.sampled_from([b"", b"]" * depth + b"}"]))
    if kind == "json":
        return json.dumps(draw(JSON)).encode()
    changed: dict[str, Any] = dict(SOUND)
    for field in draw(st.lists(st.sampled_from(list(FIELDS)), max_size=4, unique=True)):
        changed[field] = draw(st.one_of(FIELDS[field], FIELDS[field], JSON))
    changed |= draw(st.dictionaries(st.text(max_size=8), JSON, max_size=2))
    mark = draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf"]))
    return mark + json.dumps(changed).encode()


def sound_header() -> dict[str, Any]:
    """Header of weights for ``LAYERS``, in safetensors' format."""
    header: dict[str, Any] = {}
    offset = 0
    for layer in LAYERS:
        for matrix, shape in (("lora_A", (RANK, 5)), ("lora_B", (6, RANK))):
            size = 4 * shape[0] * shape[1]
            name = f"base_model.model.{layer}.{matrix}.weight"
            header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [offset, offset + size]}
            offset += size
    return header


DATA = struct.pack("<88f", *([0.5] * 88))


@st.composite
def weights(draw: st.DrawFn) -> bytes:
    """Bytes of an ``adapter_model.safetensors``: sound, with parts of its header changed, cut short, or any bytes."""
    header = sound_header()
    kind = draw(st.sampled_from(["sound", "renamed", "changed", "length", "json", "bytes"]))
    if kind == "bytes":
        return draw(st.binary(max_size=60))
    content: Any = header
    if kind == "renamed":
        prefix = draw(
            st.sampled_from(["module.", "_orig_mod.", "0.auto_model.", "base_model.model.", "x.", "ä", "\ud800"])
        )
        some = draw(st.sets(st.sampled_from(list(header))))
        content = {(prefix + name if name in some else name): entry for name, entry in header.items()}
        content |= {draw(st.text(max_size=10)): entry for entry in draw(st.just(list(header.values())[:1]))}
    if kind == "changed":
        name = draw(st.sampled_from(list(header)))
        field = draw(st.sampled_from(["dtype", "shape", "data_offsets"]))
        value = draw(
            st.one_of(
                JSON, st.sampled_from(["BF16", "F8_E4M3", "BOOL", "U8"]), st.lists(st.integers(0, 2**64), max_size=3)
            )
        )
        content = header | {name: header[name] | {field: value}}
    if kind == "json":
        content = draw(JSON)
    text = json.dumps(content).encode()
    length = draw(st.integers(0, 2**64 - 1)) if kind == "length" else len(text)
    data = DATA[: draw(st.sampled_from([len(DATA), len(DATA), 7]))]
    return struct.pack("<Q", length) + text + data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder that every example writes anew."""
    return tmp_path_factory.mktemp("fuzz") / "adapter"


def write(folder: Path, config: bytes, content: bytes, manifest: bytes | None = None) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "adapter_config.json").write_bytes(config)
    (folder / "adapter_model.safetensors").write_bytes(content)
    (folder / "codecontext.json").unlink(missing_ok=True)
    if manifest is not None:
        (folder / "codecontext.json").write_bytes(manifest)


def require_short(error: Exception) -> None:
    """What was wrong is one sentence, however much was wrong."""
    assert len(str(error)) < 3_000


def lay_onto_base(info: AdapterInfo) -> bool:
    """Everything that happens to an adapter without PEFT; whether it fits the base model."""
    base = BaseArchitecture("example/base", info.path, "", MODULES)
    try:
        check_compatible(info, base)
        fit_adapter(info, MODULES)
        merged = merged_weights(info, MODULES, (), WEIGHTS)
    except (AdapterError, UnsupportedAdapter) as error:
        require_short(error)
        return False
    for name, weight in merged.items():
        assert weight.shape == WEIGHTS[name].shape
        assert np.isfinite(weight).all()
    return True


@FUZZ
@given(configurations())
def test_any_configuration_is_read_or_refused(folder: Path, config: bytes) -> None:
    write(folder, config, struct.pack("<Q", len(text := json.dumps(sound_header()).encode())) + text + DATA)
    try:
        info = inspect_adapter(folder)
    except AdapterError as error:
        require_short(error)
        return
    lay_onto_base(info)


@FUZZ
@given(weights(), st.one_of(st.none(), JSON.map(lambda value: json.dumps(value).encode()), st.binary(max_size=30)))
def test_any_weights_are_read_or_refused(folder: Path, content: bytes, manifest: bytes | None) -> None:
    write(folder, json.dumps(SOUND).encode(), content, manifest)
    try:
        info = inspect_adapter(folder)
    except AdapterError as error:
        require_short(error)
        return
    lay_onto_base(info)


@FUZZ
@given(configurations(), weights())
def test_the_list_of_adapters_never_fails(folder: Path, config: bytes, content: bytes) -> None:
    write(folder, config, content)

    [found] = discover_adapters([folder])

    assert isinstance(found, AdapterInfo) or (isinstance(found, InvalidAdapter) and "as an adapter" not in found.reason)


def test_the_sound_adapter_is_sound(folder: Path) -> None:
    """Or else every example would be refused for the same reason."""
    write(
        folder,
        json.dumps(SOUND).encode(),
        struct.pack("<Q", len(text := json.dumps(sound_header()).encode())) + text + DATA,
    )

    assert lay_onto_base(inspect_adapter(folder))
