"""The benchmarks run, and write what they promise. What they measure is not judged here."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
def records(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Benchmark → its record, of one quick run over a tiny folder."""
    folder = tmp_path_factory.mktemp("bench")
    for path, text in FILES.items():
        file = folder / "shop" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    target = folder / "results.json"
    places = ("--django", folder / "shop", "--work", folder / "work", "--json", target)
    process = run_benchmarks("--quick", "--backend", "torch", *places, *NAMES)
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


def test_missing_folder_is_a_sentence() -> None:
    process = run_benchmarks("--quick", "--django", "no-such-folder")
    assert process.returncode == 1
    assert process.stderr == "--django: 'no-such-folder' is not a folder.\n"
