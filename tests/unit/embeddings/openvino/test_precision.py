"""The CPU's own number format is taken where vectors stay the same, and the verdict is kept."""

from __future__ import annotations

import numpy as np
import pytest

from codecontext.core.paths import codecontext_home
from codecontext.embeddings.backend import EmbeddingBackend
from codecontext.embeddings.openvino import precision
from codecontext.embeddings.openvino.precision import SAMPLE_TEXTS, compile_faithfully

SAMPLES = [[number + 1] * (number + 1) for number in range(len(SAMPLE_TEXTS))]


class Rounded(EmbeddingBackend):
    """Vectors of random numbers that the token ids seed, off by ``error`` at most."""

    batch_tokens, pad_id = 1024, 0

    def __init__(self, precision: str, error: float) -> None:
        self.precision, self._error = precision, error

    @property
    def name(self) -> str:
        return "rounded"

    def forward(self, input_ids, attention_mask):
        rows = [np.random.default_rng(int(ids[0])).standard_normal(64) for ids in input_ids]
        return np.stack(rows).astype(np.float32) + np.float32(self._error)


@pytest.fixture(autouse=True)
def _a_cpu_with_a_fast_format(monkeypatch):
    monkeypatch.setattr(precision, "native_precisions", lambda: ["bf16", "f32"])


class Compiler:
    """Makes backends, and remembers which."""

    def __init__(self, **errors: float) -> None:
        self.asked: list[str] = []
        self._errors = {"f32": 0.0} | errors

    def __call__(self, kind: str, callers: int | None = None) -> Rounded:
        self.asked.append(kind)
        return Rounded(kind, self._errors[kind])


@pytest.mark.parametrize(("error", "expected"), [(0.0, "bf16"), (0.01, "bf16"), (0.1, "f32"), (np.nan, "f32")])
def test_takes_the_fast_format_where_vectors_agree(error, expected):
    assert compile_faithfully("model", SAMPLES, Compiler(bf16=error)).precision == expected


def test_compares_once_for_each_key():
    first, again, other = (Compiler(bf16=1.0) for _ in range(3))

    verdicts = [
        compile_faithfully(key, SAMPLES, compiler).precision
        for key, compiler in (("a", first), ("a", again), ("b", other))
    ]

    assert verdicts == ["f32", "f32", "f32"]
    assert [sorted(compiler.asked) for compiler in (first, again, other)] == [
        ["bf16", "f32", "f32"],
        ["f32"],
        ["bf16", "f32", "f32"],
    ]


@pytest.mark.parametrize("content", [b"", b"f64", b"\xff\xfe"])
def test_a_damaged_verdict_is_made_again(content):
    compile_faithfully("model", SAMPLES, Compiler(bf16=0.0))
    [file] = (codecontext_home() / "cache" / "precision").iterdir()
    file.write_bytes(content)

    assert compile_faithfully("model", SAMPLES, Compiler(bf16=0.0)).precision == "bf16"
    assert file.read_text(encoding="ascii") == "bf16"


def test_a_verdict_that_cannot_be_kept_only_costs_time(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("CODECONTEXT_HOME", str(tmp_path / "file" / "home"))

    assert compile_faithfully("model", SAMPLES, Compiler(bf16=0.0)).precision == "bf16"


def test_compares_nothing_where_the_cpu_has_one_format(monkeypatch):
    monkeypatch.setattr(precision, "native_precisions", lambda: ["f32"])
    compiler = Compiler()

    assert compile_faithfully("model", SAMPLES, compiler).precision == "f32"
    assert compiler.asked == ["f32"]
