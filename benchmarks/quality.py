"""Retrieval quality of the product on an evaluation folder: export, index, search, score.

    python -m benchmarks.quality --eval DIR [--set annot --repo fastapi] [--json FILE]

DIR holds queries/, corpora/ and eval.py, whose own metrics are used. Each repository is written out as
files, indexed with ``Engine.index`` and searched with ``Engine.search``: once as people use it, once by
words alone, once by meaning alone. Vectors are kept between runs in ``--work``, so that only what changed
is embedded again.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import ModuleType
from typing import Any

from rich.console import Console
from rich.table import Table

from codecontext.config import load_settings
from codecontext.engine.engine import Engine
from codecontext.search.config import Retrieval

DEPTH = 60
METRICS = ("file_ndcg", "file_mrr", "file_hit1", "chunk_ndcg", "func_mrr", "func_recall")
SYSTEMS = {
    "BM25 only": Retrieval.LEXICAL,
    "vectors only": Retrieval.SEMANTIC,
    "CodeContext": Retrieval.HYBRID,
}

Scores = dict[str, dict[str, float]]
"""Query id → metric → value."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """One repository with the queries asked of it."""

    name: str
    folder: Path
    queries: list[dict[str, Any]]


def main() -> None:
    """Run from the command line."""
    options = _arguments()
    evaluation = _load_runner(options.eval)
    options.work.mkdir(parents=True, exist_ok=True)
    os.environ["CODECONTEXT_HOME"] = str(options.work / "home")
    scores: dict[str, Scores] = {name: {} for name in SYSTEMS if not options.only or name in options.only}
    for corpus in _corpora(evaluation, options):
        started = time.perf_counter()
        with Engine(corpus.folder, load_settings(corpus.folder).settings) as engine:
            report = engine.index(force=True)  # the vectors are in the cache; the chunker may have changed
            for name in scores:
                scores[name] |= _score(evaluation, engine, corpus, SYSTEMS[name])
        print(
            f"{corpus.name}: {report.files} files, {report.chunks} chunks, {report.chunks_embedded} embedded, "
            f"{len(corpus.queries)} queries, {time.perf_counter() - started:.1f} s",
            file=sys.stderr,
            flush=True,
        )
    queries = evaluation.load_queries(options.eval, options.set, options.repo)
    _print_table(queries, scores, evaluation)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(scores, indent=1), encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--eval", type=Path, required=True, help="folder with queries/, corpora/ and eval.py")
    parser.add_argument("--set", action="append", help="only this set (repeatable)")
    parser.add_argument("--repo", action="append", help="only this repository (repeatable)")
    parser.add_argument("--only", action="append", choices=list(SYSTEMS), help="only this system (repeatable)")
    parser.add_argument(
        "--work",
        type=Path,
        default=Path(tempfile.gettempdir()) / "codecontext-quality",
        help="where corpora and vectors are kept between runs",
    )
    parser.add_argument("--json", type=Path, help="write the metrics of every query to this file")
    return parser.parse_args()


def _load_runner(folder: Path) -> ModuleType:
    """The evaluation folder's own runner, for its readers and metrics."""
    file = folder / "eval.py"
    if not file.is_file() or not (folder / "queries").is_dir():
        sys.exit(f"'{folder}' is not an evaluation folder: it has no eval.py and queries/.")
    spec = importlib.util.spec_from_file_location("evaluation_runner", file)
    if spec is None or spec.loader is None:
        sys.exit(f"'{file}' cannot be loaded.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _corpora(evaluation: ModuleType, options: argparse.Namespace) -> Iterator[Corpus]:
    """Repositories as folders. The set ``doc`` has its own, without documentation."""

    def corpus_key(query: dict[str, Any]) -> tuple[str, bool]:
        return query["repo"], query["set"] == "doc"

    queries = sorted(evaluation.load_queries(options.eval, options.set, options.repo), key=corpus_key)
    for (repo, strip), group in groupby(queries, key=corpus_key):
        name = f"{repo}-without-docs" if strip else repo
        folder = options.work / "corpora" / name
        if not folder.is_dir():
            for path, text in evaluation.load_corpus(options.eval, repo, strip_docs=strip).items():
                file = folder / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8", newline="")
        yield Corpus(name, folder, list(group))


def _score(evaluation: ModuleType, engine: Engine, corpus: Corpus, retrieval: Retrieval) -> Scores:
    scores: Scores = {}
    for query in corpus.queries:
        response = engine.search(query["query"], limit=DEPTH, retrieval=retrieval)
        results = [{"path": hit.path, "start": hit.start_line, "end": hit.end_line} for hit in response.hits]
        scores[query["qid"]] = evaluation.score_query(query, results)
    return scores


def _print_table(queries: list[dict[str, Any]], scores: dict[str, Scores], evaluation: ModuleType) -> None:
    table = Table(title="Retrieval quality, @10")
    table.add_column("set")
    table.add_column("queries", justify="right")
    table.add_column("system")
    for metric in METRICS:
        table.add_column(metric, justify="right")
    table.add_column("95 % of file_ndcg", justify="right")
    by_set: dict[str, list[str]] = {}
    for query in queries:
        by_set.setdefault(query["set"], []).append(query["qid"])
    for name, qids in by_set.items():
        for system, results in scores.items():
            rows = [results[qid] for qid in qids if qid in results]
            if not rows:
                continue
            low, high = evaluation.interval([row["file_ndcg"] for row in rows])
            table.add_row(
                name,
                str(len(rows)),
                system,
                *(_mean(rows, metric) for metric in METRICS),
                f"{low:.3f}-{high:.3f}",
            )
        table.add_section()
    Console(width=140).print(table)


def _mean(rows: list[dict[str, float]], metric: str) -> str:
    values = [row[metric] for row in rows if metric in row]
    return f"{sum(values) / len(values):.3f}" if values else "-"


if __name__ == "__main__":
    main()
