"""Training for real: what comes out, and what it does to search."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from tests.integration.training.conftest import CONFIG, Outcome, bench_for, settings_with, write_repository

from codecontext.adapters import AdapterSide, inspect_adapter
from codecontext.core.errors import AdapterError, IndexLocked, OperationCancelled, TrainingError
from codecontext.core.progress import CancelToken, Progress
from codecontext.embeddings.base import InstructionType
from codecontext.embeddings.huggingface.provider import HuggingFaceEmbeddingProvider
from codecontext.embeddings.model_files import bundled_model_folder
from codecontext.engine.engine import Engine
from codecontext.training.data.pairs import CodeSpan, Pair, read_pairs, write_pairs
from codecontext.training.release.artifact import read_record
from codecontext.training.trainer import Trainer

pytestmark = pytest.mark.slow

QUESTIONS = [
    "Quench the kestrels",
    "winnow every walrus of the store",
    "where do we hoist the lanterns?",
    "",
    "x" * 3000,
]


def weights_of(adapter: Path) -> dict[str, np.ndarray]:
    return load_file(adapter / "adapter_model.safetensors")


def test_the_held_out_questions_are_answered_better(trained: Outcome) -> None:
    gain = trained.report.test.dense["mrr_at_10"].gain
    assert gain.low > 0
    assert gain.mean > 0.1
    best = max(trained.report.course.scores)
    assert best > trained.report.course.base_score


def test_held_out_files_are_not_trained_on(trained: Outcome) -> None:
    data = trained.report.data
    assert data.train + data.validation + data.test == 98
    record = read_record(trained.adapter)
    assert record is not None
    assert len(record.trained_queries) == data.train
    asked = {change.query for change in trained.report.test.changes}
    assert len(asked) == data.test


def test_it_writes_a_standard_adapter_with_its_record(trained: Outcome) -> None:
    info = inspect_adapter(trained.adapter)
    assert (info.side, info.rank, info.target_modules) == (AdapterSide.QUERY, 8, ("query", "value"))
    assert info.base_model == "sentence-transformers/all-MiniLM-L6-v2"
    record = json.loads((trained.adapter / "codecontext.json").read_text())
    assert record["base_fingerprint"] == info.base_fingerprint != ""
    assert record["data"]["sources"] == {"documentation": trained.report.data.train}
    assert record["metrics"]["search"]["mrr_at_10"]["gain"].keys() == {"mean", "low", "high"}
    assert {"torch", "peft", "transformers"} <= record["versions"].keys()
    card = (trained.adapter / "README.md").read_text()
    assert "base_model: sentence-transformers/all-MiniLM-L6-v2" in card
    assert "MRR@10, whole search" in card
    machine = str(Path.home())
    assert machine not in (trained.adapter / "adapter_config.json").read_text()


def test_plain_peft_gives_the_same_vectors(trained: Outcome) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModel, AutoTokenizer

    folder = bundled_model_folder()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = PeftModel.from_pretrained(AutoModel.from_pretrained(folder), trained.adapter).eval()
    batch = tokenizer(QUESTIONS, padding=True, truncation=True, max_length=256, return_tensors="pt")
    with torch.no_grad():
        hidden = model(**batch).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1)
    pooled = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1)

    settings = settings_with(lora_adapter_path=str(trained.adapter), backend="torch", device="cpu")
    with HuggingFaceEmbeddingProvider(settings.embeddings.huggingface) as provider:
        ours = provider.embed_batch(QUESTIONS, InstructionType.NL2CODE_QUERY)
    np.testing.assert_allclose(ours, pooled.numpy(), atol=1e-5)


def test_swapping_it_in_embeds_nothing_and_answers_better(trained: Outcome) -> None:
    with Engine(trained.folder, settings_with()) as engine:
        engine.index()
        before = engine.status().space
    with Engine(trained.folder, settings_with(lora_adapter_path=str(trained.adapter))) as engine:
        report = engine.index()
        assert (report.chunks_embedded, report.space_id) == (0, before)
        state = engine.search("quench the kestrels").state
        assert state.degraded is None
        assert state.fingerprint == trained.report.fingerprint


def test_a_stopped_run_goes_on_to_the_same_end(trained: Outcome, tmp_path: Path) -> None:
    """And so, with it, the same seed gives the same weights."""
    cancel = CancelToken()

    def stop_at_step_7(progress: Progress) -> None:
        if progress.stage == "training" and progress.done == 7:
            cancel.cancel()

    target = tmp_path / "jargon"
    with (
        bench_for(trained.folder, on_progress=stop_at_step_7, cancel=cancel) as bench,
        pytest.raises(OperationCancelled, match=r"stopped at step 7 of 32\. Run the same command to resume"),
    ):
        Trainer(bench, CONFIG, target).run(fresh=True)
    assert not target.exists()
    assert list(tmp_path.iterdir()) == []
    steps: list[int] = []
    with bench_for(
        trained.folder, on_progress=lambda p: steps.append(p.done) if p.stage == "training" else None
    ) as bench:
        report = Trainer(bench, CONFIG, target).run()
    assert report.resumed_at == 7
    assert steps[0] == 8
    assert report.course.losses == trained.report.course.losses
    for name, weights in weights_of(trained.adapter).items():
        np.testing.assert_array_equal(weights_of(target)[name], weights)


def test_other_settings_do_not_go_on_with_a_stopped_run(trained: Outcome, tmp_path: Path) -> None:
    cancel = CancelToken()

    def stop_soon(progress: Progress) -> None:
        if progress.stage == "training" and progress.done == 2:
            cancel.cancel()

    with bench_for(trained.folder, on_progress=stop_soon, cancel=cancel) as bench, pytest.raises(OperationCancelled):
        Trainer(bench, CONFIG, tmp_path / "a").run(fresh=True)
    with bench_for(trained.folder) as bench:
        other = CONFIG.model_copy(update={"rank": 4, "alpha": 8.0, "epochs": 1})
        report = Trainer(bench, other, tmp_path / "b").run()
    assert report.resumed_at == 0
    assert inspect_adapter(tmp_path / "b").rank == 4


TINY = """\
def f(a, b):
    \"\"\"Join both of the given parts.\"\"\"
    return a.join(b, sep=a.end)
"""
BARE = "def f(a, b):\n    return a.join(b)\n"


@pytest.mark.parametrize(
    "files", [{"a.py": TINY}, {f"m{n}.py": BARE for n in range(80)}], ids=["tiny", "no documentation"]
)
def test_too_little_to_train_on_is_said(files: dict[str, str], tmp_path: Path) -> None:
    folder = write_repository(tmp_path / "repository", files)
    with (
        bench_for(folder) as bench,
        pytest.raises(TrainingError, match=r"yields only [01] pairs to train on; at least 50"),
    ):
        Trainer(bench, CONFIG, tmp_path / "adapter").run()
    assert not (tmp_path / "adapter").exists()


def test_an_adapter_of_the_same_name_is_not_overwritten(trained: Outcome) -> None:
    before = weights_of(trained.adapter)
    with (
        bench_for(trained.folder) as bench,
        pytest.raises(TrainingError, match=r"An adapter already exists at .*jargon\. Choose another --name"),
    ):
        Trainer(bench, CONFIG, trained.adapter).run()
    assert weights_of(trained.adapter).keys() == before.keys()


def test_pairs_whose_code_says_the_query_are_left_out(trained: Outcome, tmp_path: Path) -> None:
    file = tmp_path / "pairs.jsonl"
    with bench_for(trained.folder) as bench:
        good = bench.material(None).pairs
        leaked = [says_itself(trained.folder, pair) for pair in good[:3]]
        gone = Pair(query="something that was deleted", code=(CodeSpan(path="gone.py"),))
        write_pairs(file, [*good[3:], *leaked, gone])
        material = bench.material(file)
    assert len(read_pairs(file)) == len(good) + 1
    assert len(material.pairs) == len(good) - 3
    left_out = {item.source: item.left_out for item in material.sources}
    assert left_out == {
        "documentation": {"query text still appears in the code": 3},
        "own": {"file not in the index": 1},
    }


def says_itself(folder: Path, pair: Pair) -> Pair:
    """A pair whose documentation is not hidden from its code."""
    path = pair.code[0].path
    documentation = (folder / path).read_text().split('"""')[1]
    return pair.model_copy(update={"query": documentation, "code": (CodeSpan(path=path),), "hidden": ()})


def test_another_base_model_is_refused_with_both_fingerprints(
    trained: Outcome, tmp_path: Path, make_copy: Callable[[Path, Path], Path]
) -> None:
    adapter = make_copy(trained.adapter, tmp_path / "other")
    record = json.loads((adapter / "codecontext.json").read_text())
    ours = record["base_fingerprint"]
    record["base_fingerprint"] = "0" * 32
    (adapter / "codecontext.json").write_text(json.dumps(record))
    config = settings_with().embeddings.huggingface
    with HuggingFaceEmbeddingProvider(config) as provider, pytest.raises(AdapterError) as error:
        provider.beside(adapter)
    assert "0" * 32 in str(error.value)
    assert ours in str(error.value)


def test_two_trainings_on_one_folder_do_not_meet(trained: Outcome, tmp_path: Path) -> None:
    with bench_for(trained.folder) as first, bench_for(trained.folder) as second:
        first.corpus(first.material(None))
        with pytest.raises(IndexLocked, match="Another CodeContext process is writing"):
            Trainer(second, CONFIG, tmp_path / "second").run()
