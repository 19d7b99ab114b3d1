"""Rules that look at what the query is and what a chunk is, after fusion.

Each rule gives a factor for a candidate's score and says so in its evidence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from codecontext.core.terms import split_identifier
from codecontext.search.config import Weights
from codecontext.search.paths import PathRole, asks_for, path_role
from codecontext.search.query import Query, QueryNature


@dataclass(slots=True)
class Ranked:
    """A candidate on its way to a hit. ``row`` is its row in the snapshot."""

    row: int
    score: float
    path: str
    symbol: str
    qualified_name: str
    kind: str
    rules: list[str] = field(default_factory=list)

    def scale(self, factor: float, rule: str) -> None:
        """Apply a rule."""
        self.score *= factor
        self.rules.append(f"{rule} x{factor:.2f}")


def rank(candidates: list[Ranked], query: Query, weights: Weights) -> list[Ranked]:
    """Apply the rules and sort, best first; ties by path and position."""
    terms = frozenset(query.terms)
    for candidate in candidates:
        _prefer_definitions(candidate, query, terms, weights)
        _prefer_named_files(candidate, terms, weights)
        _hold_back_side_paths(candidate, terms, weights)
    _add_file_evidence(candidates, weights)
    candidates.sort(key=lambda item: (-item.score, item.path, item.row))
    return list(_spread_over_files(candidates, weights))


def _prefer_definitions(candidate: Ranked, query: Query, terms: frozenset[str], weights: Weights) -> None:
    """The chunk that defines what the query names."""
    if not candidate.symbol:
        return
    if query.nature is QueryNature.SYMBOL:
        wanted = query.text.removesuffix("()").lower().replace("::", ".").replace("#", ".")
        qualified = candidate.qualified_name.lower().replace("::", ".")
        if qualified == wanted or qualified.endswith("." + wanted):
            candidate.scale(1 + 2 * weights.definition, "defines")
            return
    parts = set(split_identifier(candidate.symbol))
    if parts and candidate.kind != "section":
        share = len(parts & terms) / len(parts)
        if share > 0.5:
            candidate.scale(1 + weights.definition * share, "name in query")


def _prefer_named_files(candidate: Ranked, terms: frozenset[str], weights: Weights) -> None:
    """A file whose name is in the query."""
    parts = set(split_identifier(PurePosixPath(candidate.path).stem))
    if parts and parts <= terms:
        candidate.scale(1 + weights.stem, "file name in query")


def _hold_back_side_paths(candidate: Ranked, terms: frozenset[str], weights: Weights) -> None:
    """Tests, examples, documents and copies of other projects, unless the query asks for them."""
    role = path_role(candidate.path)
    if role is not PathRole.SOURCE and not asks_for(role, terms):
        candidate.scale(weights.side_path, role.value)


def _add_file_evidence(candidates: list[Ranked], weights: Weights) -> None:
    """A file with several good chunks is more likely to be the place."""
    if not weights.file_evidence:
        return
    by_file: dict[str, list[float]] = defaultdict(list)
    for candidate in candidates:
        by_file[candidate.path].append(candidate.score)
    totals = {path: sum(scores) for path, scores in by_file.items()}
    highest = max(totals.values(), default=0.0)
    if highest <= 0:
        return
    for candidate in candidates:
        candidate.scale(1 + weights.file_evidence * totals[candidate.path] / highest, "file")


def _spread_over_files(candidates: list[Ranked], weights: Weights) -> Iterator[Ranked]:
    """Let each further chunk of a file count less, so that one file does not fill the answer."""
    seen: dict[str, int] = defaultdict(int)
    for candidate in candidates:
        if seen[candidate.path]:
            candidate.scale(weights.repeat ** seen[candidate.path], "same file")
        seen[candidate.path] += 1
    yield from sorted(candidates, key=lambda item: (-item.score, item.path, item.row))
