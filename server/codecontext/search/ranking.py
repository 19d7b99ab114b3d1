"""The order of the candidates: their fused scores, and rules that look at what the query and what a chunk is.

Each rule gives a factor for a candidate's score and says so in its evidence.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field

from codecontext.search.candidates import Candidates
from codecontext.search.config import Weights
from codecontext.search.paths import PathRole, asks_for, path_role
from codecontext.search.query import Query, QueryKind
from codecontext.store.index_store import IndexStore
from codecontext.store.snapshot import Snapshot

_SEPARATOR = re.compile(r"::|->|#")


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


def rank(
    candidates: Candidates,
    store: IndexStore,
    snapshot: Snapshot,
    query: Query,
    weights: Weights,
    without: Collection[int] = (),
) -> list[Ranked]:
    """All candidates but the rows in ``without``, best first; what is gone from the index meanwhile is left out."""
    rows = candidates.rows
    keys = snapshot.keys(rows)
    names = store.names(keys)
    columns = zip(
        rows.tolist(), candidates.fused.tolist(), snapshot.paths_of(rows), snapshot.kinds(rows), keys, strict=True
    )
    ranked = [
        Ranked(row, score, path, *names[key], kind)
        for row, score, path, kind, key in columns
        if key in names and row not in without
    ]
    return apply_rules(ranked, query, weights)


def apply_rules(candidates: list[Ranked], query: Query, weights: Weights) -> list[Ranked]:
    """Apply the rules and sort, best first; ties by path and position."""
    terms = frozenset(query.terms)
    for candidate in candidates:
        if query.kind is QueryKind.SYMBOL:
            _prefer_definition(candidate, query, weights)
        _demote_non_source(candidate, terms, weights)
    _add_file_evidence(candidates, weights)
    _spread_over_files(candidates, weights)
    return _best_first(candidates)


def _best_first(candidates: list[Ranked]) -> list[Ranked]:
    return sorted(candidates, key=lambda item: (-item.score, item.path, item.row))


def _prefer_definition(candidate: Ranked, query: Query, weights: Weights) -> None:
    """The chunk that defines the symbol that the query names."""
    wanted = _dotted(query.text.removesuffix("()"))
    defined = _dotted(candidate.qualified_name)
    if defined == wanted or defined.endswith("." + wanted):
        candidate.scale(weights.definition, "defines")


def _dotted(name: str) -> str:
    """A qualified name in one spelling, whatever its language puts between the parts."""
    return _SEPARATOR.sub(".", name.lower())


def _demote_non_source(candidate: Ranked, terms: frozenset[str], weights: Weights) -> None:
    """Tests, examples, documents and copies of other projects, unless the query mentions them."""
    role = path_role(candidate.path)
    if role is not PathRole.SOURCE and not asks_for(role, terms):
        candidate.scale(weights.side_path, role.value)


def _add_file_evidence(candidates: list[Ranked], weights: Weights) -> None:
    """A file with several good chunks is more likely to be the place."""
    totals: dict[str, float] = defaultdict(float)
    for candidate in candidates:
        totals[candidate.path] += candidate.score
    highest = max(totals.values(), default=0.0)
    if highest > 0:
        for candidate in candidates:
            candidate.scale(1 + weights.file_evidence * totals[candidate.path] / highest, "file")


def _spread_over_files(candidates: list[Ranked], weights: Weights) -> None:
    """Let each further chunk of a file count less, so that one file does not fill the results."""
    seen: Counter[str] = Counter()
    for candidate in _best_first(candidates):
        if seen[candidate.path]:
            candidate.scale(weights.repeat ** seen[candidate.path], "same file")
        seen[candidate.path] += 1
