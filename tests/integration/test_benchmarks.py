"""The benchmarks run, and write what they promise. What they measure is not judged here."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from codecontext.engine.engine import Engine

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[2]
NAMES = ("incremental", "adapter")
FILES = {
    f"shop/part_{number}.py": "".join(
        f'def {verb}_order_{number}(order):\n    """Let {verb} work on an order."""\n'
        f"    total = order * {number}\n    return total\n\n\n"
        for verb in ("price", "ship", "cancel")
    )
    for number in range(4)
}
ALL_CHUNKS = 12


def run_benchmarks(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny project."""
    folder = tmp_path_factory.mktemp("bench")
    for path, text in FILES.items():
        file = folder / "shop" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder / "shop"


@pytest.fixture(scope="module")
def records(code: Path) -> dict[str, dict[str, Any]]:
    """Benchmark → its record, of one quick run."""
    return quick_run(code, "--backend", "torch", *NAMES)


@pytest.fixture(scope="module")
def budgets(code: Path) -> dict[str, Any]:
    """The record of the budgets, of one quick run."""
    return quick_run(code, "budgets")["budgets"]


def quick_run(code: Path, *arguments: str) -> dict[str, dict[str, Any]]:
    target = code.parent / "results.json"
    places = ("--django", code, "--work", code.parent / "work", "--json", target)
    process = run_benchmarks("--quick", *places, *arguments)
    assert process.returncode == 0, process.stderr
    return {record["benchmark"]: record for record in json.loads(target.read_text(encoding="utf-8"))}


def values(record: dict[str, Any]) -> dict[str, float]:
    return {figure["name"]: figure["value"] for figure in record["result"]["figures"]}


@pytest.mark.parametrize("name", NAMES)
def test_record_says_what_was_measured_on_what(records: dict[str, dict[str, Any]], name: str) -> None:
    record = records[name]
    assert record["quick"] is True
    assert record["code"] == "shop"
    assert record["machine"]["cores"] >= 1
    assert record["machine"]["packages"]["tantivy"] != "not installed"
    assert record["result"]["notes"]
    for figure in record["result"]["figures"]:
        assert figure["name"]
        assert figure["unit"]
        assert (figure["met"] is None) == (figure["budget"] is None)


def test_budgets_measure_a_change_a_question_and_a_start(budgets: dict[str, Any]) -> None:
    measured = values(budgets)
    for name in (
        "20 chunks: save to searchable, CPU",
        "20 chunks: question, CPU",
        "20 chunks: memory beside mapped pages",
        "20 chunks: index on disk",
        "first index by words, CPU",
        "first question behind the server, by the clock",
        "codecontext search, CPU",
        "codecontext index, nothing changed, CPU",
        "first load of the model, CPU",
        "first load of an adapter, CPU",
    ):
        assert measured[name] > 0, name
    assert measured["20 chunks: memory beside mapped pages"] <= measured["20 chunks: memory with them"]


def test_growth_is_drawn_for_every_size(tmp_path: Path) -> None:
    from benchmarks.growth import draw_growth
    from benchmarks.results import Figure

    names = ("save to searchable, CPU", "question, CPU", "memory beside mapped pages", "index on disk")
    figures = [
        Figure(f"{size:,} chunks: {name}", size / 100, "ms", before=size / 10)
        for name in names
        for size in (1_000, 42_000, 889_000)
    ]
    unsized = Figure("codecontext search, CPU", 1, "s")
    draw_growth(tmp_path / "growth.svg", [*figures, unsized])
    picture = ElementTree.parse(tmp_path / "growth.svg")
    dots = [item for item in picture.iter() if item.tag.endswith("circle")]
    assert len(dots) == 2 * len(figures)
    with pytest.raises(RuntimeError, match="no figure of any size"):
        draw_growth(tmp_path / "nothing.svg", [unsized])


def test_edit_embeds_one_chunk_and_rename_none(records: dict[str, dict[str, Any]]) -> None:
    measured = values(records["incremental"])
    assert measured["edit of a function body: chunks embedded"] == 1
    assert measured["rename of a file: chunks embedded"] == 0
    assert measured["deletion of a file, until gone"] > 0


def test_synthetic_index_has_real_chunks_first_and_then_copies(
    project: Path,
    write: Callable[[dict[str, str]], None],
    engine_for: Callable[[Path], Engine],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(REPOSITORY)
    from benchmarks.synthetic import build_index

    write(FILES)
    folder = tmp_path / "synthetic"
    folder.mkdir()
    built = build_index(engine_for(project), folder, ALL_CHUNKS * 2 + 5)
    assert (built.real, built.chunks) == (ALL_CHUNKS, ALL_CHUNKS * 2 + 5)
    response = engine_for(folder).search("price_order_2", limit=60)
    assert response.state.coverage == 1
    hits = {hit.path: hit.evidence for hit in response.hits if hit.symbol == "price_order_2"}
    original, copy = hits["shop/part_2.py"], hits["copies/1/shop/part_2.py"]
    assert original.semantic_score == pytest.approx(copy.semantic_score, abs=0.01)
    assert len({(hit.path, hit.symbol) for hit in response.hits}) == len(response.hits)
    built.delete()
    assert not folder.exists()
    assert not built.index.exists()


def test_adapter_is_measured_beside_the_base_model(records: dict[str, dict[str, Any]]) -> None:
    searching = records["adapter"]["result"]["details"]["torch"]["searching"]
    assert len(searching["base_ms"]) == len(searching["adapter_ms"]) > 0
    measured = values(records["adapter"])
    assert measured["torch: chunks embedded after the swap back"] == 0
    assert measured["torch: load"] > 0
    assert "torch: search slower by" in measured


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--sizes", "1000,many"], "'1000,many' is not a list of sizes, such as 1000,42000."),
        (["--before", "no-such-folder"], "no-such-folder' is not a folder."),
        (["latencies"], "there is no 'latencies'; there are budgets, "),
    ],
)
def test_bad_option_is_a_sentence(arguments: list[str], sentence: str) -> None:
    process = run_benchmarks(*arguments)
    assert process.returncode == 2
    assert sentence in process.stderr


def test_missing_folder_is_a_sentence() -> None:
    process = run_benchmarks("--quick", "--django", "no-such-folder")
    assert process.returncode == 1
    assert process.stderr == "--django: 'no-such-folder' is not a folder.\n"
