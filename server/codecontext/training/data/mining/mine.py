"""Runs every miner, sifts what they find, and counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from pydantic import BaseModel, Field

from codecontext.core.errors import TrainingError
from codecontext.core.progress import CancelToken, ProgressCallback, ignore_progress
from codecontext.indexing.scan import ScanConfig
from codecontext.training.data.mining import comments, commits, documentation, help_texts, searches, sections, tests
from codecontext.training.data.mining.repository import Repository, read_repository
from codecontext.training.data.mining.sift import Sifted, sift
from codecontext.training.data.pairs import Pair, SourceCount

MINERS: dict[str, Callable[[Repository], Iterator[Pair]]] = {
    documentation.SOURCE: documentation.mine_documentation,
    comments.SOURCE: comments.mine_comments,
    commits.SOURCE: commits.mine_commits,
    tests.SOURCE: tests.mine_tests,
    sections.SOURCE: sections.mine_sections,
    help_texts.SOURCE: help_texts.mine_help_texts,
    searches.SOURCE: searches.mine_searches,
}


ON_REQUEST = frozenset({comments.SOURCE})
"""Left out unless requested: comments inside a function say how, while queries ask what (docs/training.md)."""


class Mined(BaseModel):
    """The pairs of a repository."""

    pairs: list[Pair] = Field(description="The pairs, by path.")
    sources: list[SourceCount] = Field(description="Counts by source.")


def mine(
    folder: Path,
    scan: ScanConfig,
    *,
    sources: Collection[str] = (),
    on_progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> tuple[Mined, Repository]:
    """Pairs of ``folder`` from ``sources``, or from all but those on request, and the repository that was read.

    The same for the same files and history. Raises ``TrainingError`` for an unknown source, and
    ``OperationCancelled``.
    """
    unknown = sorted(set(sources) - MINERS.keys())
    if unknown:
        raise TrainingError(f"'{unknown[0]}' is not a source of pairs.", f"Choose from: {', '.join(MINERS)}.")
    repository = read_repository(folder, scan, on_progress, cancel)
    found: list[Pair] = []
    for name, miner in MINERS.items():
        if name in sources or (not sources and name not in ON_REQUEST):
            for pair in miner(repository):
                if cancel is not None:
                    cancel.check()
                found.append(pair)
    sifted = sift(found, repository)
    return Mined(pairs=sorted(sifted.pairs, key=_place), sources=_counts(sifted)), repository


def _place(pair: Pair) -> tuple[str, int, str]:
    return pair.code[0].path, pair.code[0].start_line, pair.query


def _counts(sifted: Sifted) -> list[SourceCount]:
    kept = Counter(pair.source for pair in sifted.pairs)
    return [
        SourceCount(source=name, pairs=kept[name], left_out=dict(sifted.left_out[name].most_common()))
        for name in MINERS
        if kept[name] or sifted.left_out[name]
    ]
