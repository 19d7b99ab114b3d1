"""Measuring adapters, and choosing one only when it is better."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.integration.training.conftest import Outcome, bench_for, settings_with

from codecontext.adapters import AdapterSide
from codecontext.core.errors import AdapterError, ConfigError, IndexNotReady, TrainingError
from codecontext.engine.engine import Engine
from codecontext.training.evaluation.results import Evaluation
from codecontext.training.evaluator import Evaluator
from codecontext.training.release.promotion import promote, require_gain
from codecontext.training.release.report.html import render_evaluation

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shop(trained: Outcome, training_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository with an index. Not to be changed by tests."""
    folder = tmp_path_factory.mktemp("evaluated") / "shop"
    shutil.copytree(trained.folder, folder)
    index(folder, training_home)
    return folder


@pytest.fixture
def own_shop(shop: Path, tmp_path: Path, training_home: Path) -> Path:
    """One to change."""
    folder = tmp_path / "shop"
    shutil.copytree(shop, folder)
    index(folder, training_home)
    return folder


def index(folder: Path, home: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CODECONTEXT_HOME", str(home))
        with Engine(folder, settings_with()) as engine:
            engine.index()


def evaluate(folder: Path, adapter: Path | None, against: Path | None = None, **files: Path) -> Evaluation:
    with bench_for(folder) as bench:
        return Evaluator(bench, adapter, against).evaluate(files.get("pairs"), files.get("queries"))


@pytest.fixture(scope="module")
def evaluation(shop: Path, trained: Outcome, training_home: Path) -> Iterator[Evaluation]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CODECONTEXT_HOME", str(training_home))
        yield evaluate(shop, trained.adapter)


def test_an_evaluation_repeats_what_training_measured(evaluation: Evaluation, trained: Outcome) -> None:
    assert evaluation.pairs is not None
    assert evaluation.pairs.dense == trained.report.test.dense
    assert evaluation.pairs.left_out == 0
    assert evaluation.adapter.fingerprint == trained.report.fingerprint
    assert (evaluation.adapter.side, evaluation.against.name) == ("query", "base")


def test_queries_that_were_trained_on_are_left_out(
    shop: Path, trained: Outcome, training_home: Path, tmp_path: Path
) -> None:
    record = json.loads((trained.adapter / "codecontext.json").read_text())
    with bench_for(shop) as bench:
        pairs = bench.material(None).pairs
    seen = [pair for pair in pairs if pair.key in record["trained_queries"]][:5]
    unseen = [pair for pair in pairs if pair.key not in record["trained_queries"]][:7]
    file = tmp_path / "queries.jsonl"
    file.write_text(
        "".join(
            json.dumps({"query": pair.query, "code": f"{pair.code[0].path}:{pair.code[0].start_line}"}) + "\n"
            for pair in [*seen, *unseen]
        )
    )
    own = evaluate(shop, trained.adapter, queries=file).own
    assert own is not None
    assert (own.queries, own.left_out) == (7, 5)


def test_a_stale_index_is_refused(own_shop: Path, trained: Outcome) -> None:
    file = next(own_shop.rglob("*.py"))
    file.write_text(file.read_text() + "\n\ndef added(a, b):\n    return a.join(b)\n")
    with pytest.raises(IndexNotReady, match=rf"is stale: 1 file has changed since \({file.relative_to(own_shop)}\)"):
        evaluate(own_shop, trained.adapter)


def test_a_touched_file_with_the_same_content_is_not_stale(own_shop: Path, trained: Outcome) -> None:
    file = next(own_shop.rglob("*.py"))
    file.write_text(file.read_text())
    assert evaluate(own_shop, trained.adapter).pairs is not None


def test_a_folder_without_an_index_is_refused(tmp_path: Path, trained: Outcome) -> None:
    with pytest.raises(IndexNotReady, match="has no index yet"):
        evaluate(tmp_path, trained.adapter)


def test_nothing_to_measure_with_is_said(tmp_path: Path, training_home: Path, trained: Outcome) -> None:
    (tmp_path / "a.py").write_text("def f(a, b):\n    return a.join(b)\n")
    index(tmp_path, training_home)
    with pytest.raises(TrainingError, match="yields only 0 held-out pairs, too few to measure with"):
        evaluate(tmp_path, trained.adapter)


@pytest.fixture
def harmful(make_adapter: Callable[..., Path]) -> Path:
    """An adapter made by PEFT's own means, with weights at random."""
    return make_adapter(side=AdapterSide.QUERY.value)


def test_an_adapter_that_hurts_is_not_promoted(shop: Path, trained: Outcome, harmful: Path) -> None:
    evaluation = evaluate(shop, harmful, trained.adapter)
    assert evaluation.pairs is not None
    assert evaluation.pairs.dense["mrr_at_10"].gain.high < 0
    with pytest.raises(
        TrainingError, match=r"was not activated .*: the whole search loses 0\.\d+ MRR@10 against jargon"
    ):
        require_gain(evaluation)


def test_an_adapter_made_by_peft_alone_loads_and_serves(shop: Path, make_adapter: Callable[..., Path]) -> None:
    """As the guide makes one: r=8, alpha=16, get_peft_model, save_pretrained; nothing of ours beside it."""
    adapter = make_adapter(rank=8, alpha=16)
    assert not (adapter / "codecontext.json").exists()
    with Engine(shop, settings_with(lora_adapter_path=str(adapter))) as engine:
        engine.index()
        response = engine.search("load the tickets")
    assert response.state.degraded is None
    assert response.state.adapter == str(adapter)
    assert response.hits


def test_the_better_one_wins_over_the_worse(shop: Path, trained: Outcome, harmful: Path) -> None:
    evaluation = evaluate(shop, trained.adapter, harmful)
    assert evaluation.helps_search
    require_gain(evaluation)


def test_the_report_stands_alone_and_names_what_gained(evaluation: Evaluation) -> None:
    page = render_evaluation(evaluation)
    assert "<svg" in page
    assert "http:" not in page
    assert "https:" not in page
    assert "<script" not in page
    assert evaluation.pairs is not None
    assert evaluation.pairs.gained
    assert evaluation.pairs.gained[0].query in page


def test_the_report_escapes_what_code_says(evaluation: Evaluation) -> None:
    assert evaluation.pairs is not None
    bad = evaluation.pairs.changes[0].model_copy(update={"query": "<script>alert(1)</script>", "search_before": 9})
    pairs = evaluation.pairs.model_copy(update={"changes": [bad, *evaluation.pairs.changes[1:]]})
    page = render_evaluation(evaluation.model_copy(update={"pairs": pairs}))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def read_setting(folder: Path) -> object:
    values = tomllib.loads((folder / ".codecontext.toml").read_text())
    return values.get("embeddings", {}).get("huggingface", {}).get("lora_adapter_path")


def test_promotion_keeps_the_rest_of_the_file(tmp_path: Path, trained: Outcome) -> None:
    original = (
        "# Ours.\n[search]\nlimit = 20  # more than usual\n\n"
        "[embeddings.huggingface]\n# the small one\nmodel_name = 'all-MiniLM-L6-v2'\n"
    )
    (tmp_path / ".codecontext.toml").write_text(original)
    promotion = promote(tmp_path, trained.adapter)
    text = (tmp_path / ".codecontext.toml").read_text()
    assert text.startswith(original)
    assert read_setting(tmp_path) == promotion.written
    assert (promotion.before, promotion.overridden_by) == (None, None)
    back = promote(tmp_path, None)
    assert back.before == promotion.written
    assert (tmp_path / ".codecontext.toml").read_text() == original


def test_an_adapter_in_the_project_is_named_relative_to_it(tmp_path: Path, trained: Outcome) -> None:
    adapter = tmp_path / ".codecontext" / "adapters" / "ours"
    shutil.copytree(trained.adapter, adapter)
    assert promote(tmp_path, adapter).written == ".codecontext/adapters/ours"
    assert read_setting(tmp_path) == ".codecontext/adapters/ours"


def test_base_beats_what_the_user_set_for_all_projects(tmp_path: Path, trained: Outcome, training_home: Path) -> None:
    user_file = training_home / "config.yaml"
    user_file.write_text(f"embeddings:\n  huggingface:\n    lora_adapter_path: {trained.adapter}\n")
    try:
        assert promote(tmp_path, None).overridden_by is None
        assert read_setting(tmp_path) == ""
    finally:
        user_file.unlink()


def test_a_stronger_source_is_named(tmp_path: Path, trained: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    variable = "CODECONTEXT_EMBEDDINGS__HUGGINGFACE__LORA_ADAPTER_PATH"
    monkeypatch.setenv(variable, str(trained.folder))
    monkeypatch.setenv("CODECONTEXT_SEARCH__LIMIT", "5")
    (trained.folder / "adapter_config.json").write_text("{}")
    try:
        assert promote(tmp_path, trained.adapter).overridden_by == variable
    finally:
        (trained.folder / "adapter_config.json").unlink()


def test_what_is_no_adapter_is_not_promoted(tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match=r"missing adapter_config.json"):
        promote(tmp_path, tmp_path)
    assert not (tmp_path / ".codecontext.toml").exists()


def test_a_broken_project_file_stays_as_it_is(tmp_path: Path, trained: Outcome) -> None:
    (tmp_path / ".codecontext.toml").write_text("[search\n")
    with pytest.raises(ConfigError, match="broken TOML"):
        promote(tmp_path, trained.adapter)
    assert (tmp_path / ".codecontext.toml").read_text() == "[search\n"
