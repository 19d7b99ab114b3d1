"""The states of a folder: which facts make which stage, health and message, and how a folder moves through them."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from codecontext.core.errors import AdapterError, StoreError
from codecontext.engine.folder_state import (
    STAGES,
    FolderState,
    Health,
    Phase,
    Problem,
    ProblemKind,
    Stage,
    partly_embedded,
    worst,
)


def state(**facts: Any) -> FolderState:
    return FolderState(folder="/srv/shop", **facts)


def problem(kind: ProblemKind, message: str = "It is broken.", hint: str = "Mend it.") -> Problem:
    return Problem(kind=kind, message=message, hint=hint)


OPEN: dict[str, Any] = {"watched": True}
INDEXED = OPEN | {"indexed": True, "files": 3, "chunks": 10}
READY = INDEXED | {"ready": True, "coverage": 1.0}

TABLE = {
    "before the engine has opened it": ({"queued": True}, Stage.NOT_SERVED, Health.UNKNOWN, "has not opened"),
    "open, with the first job queued": (OPEN | {"queued": True}, Stage.INDEXING, Health.OK, ""),
    "reading": (OPEN | {"queued": True, "phase": Phase.READING}, Stage.INDEXING, Health.OK, ""),
    "another process writes": (OPEN | {"phase": Phase.WAITING}, Stage.WAITING, Health.OK, "Another process"),
    "paused before anything": (OPEN | {"paused": True}, Stage.PAUSED, Health.OK, "background work is paused"),
    "paused half-way": (INDEXED | {"paused": True, "coverage": 0.5}, Stage.PAUSED, Health.OK, ""),
    "automatic indexing off": (OPEN, Stage.UNINDEXED, Health.OK, "engine.auto_index is off"),
    "never indexed, nobody watching": ({}, Stage.UNINDEXED, Health.UNKNOWN, "Run 'codecontext index'"),
    "indexed, no files": (OPEN | {"indexed": True, "coverage": 1.0}, Stage.EMPTY, Health.OK, "no files to index"),
    "indexed, all skipped": (OPEN | {"indexed": True, "skipped": 2}, Stage.EMPTY, Health.OK, "skipped files says why"),
    "half embedded": (INDEXED | {"coverage": 0.5}, Stage.PARTLY_EMBEDDED, Health.OK, ""),
    "embedding": (INDEXED | {"coverage": 0.5, "phase": Phase.EMBEDDING}, Stage.INDEXING, Health.OK, ""),
    "ready": (READY, Stage.READY, Health.OK, ""),
    "ready, nobody watching": (READY | {"watched": False}, Stage.READY, Health.UNKNOWN, ""),
    "bad adapter": (
        READY | {"problems": (problem(ProblemKind.ADAPTER),)},
        Stage.DEGRADED,
        Health.WARNING,
        "It is broken. Mend it.",
    ),
    "bad adapter while indexing": (
        READY | {"problems": (problem(ProblemKind.ADAPTER),), "queued": True},
        Stage.INDEXING,
        Health.WARNING,
        "It is broken. Mend it.",
    ),
    "not watched": (
        READY | {"problems": (problem(ProblemKind.WATCHING),)},
        Stage.DEGRADED,
        Health.WARNING,
        "It is broken. Mend it.",
    ),
    "no model": (READY | {"problems": (problem(ProblemKind.MODEL),)}, Stage.FAILED, Health.ERROR, "It is broken."),
    "disk full": (READY | {"problems": (problem(ProblemKind.INDEX),)}, Stage.FAILED, Health.ERROR, "It is broken."),
    "cannot be opened": ({"problems": (problem(ProblemKind.UNAVAILABLE),)}, Stage.FAILED, Health.ERROR, "broken"),
    "away": (
        INDEXED | {"watched": False, "problems": (problem(ProblemKind.AWAY),)},
        Stage.AWAY,
        Health.ERROR,
        "broken",
    ),
}


@pytest.mark.parametrize(("facts", "stage", "health", "message"), TABLE.values(), ids=TABLE)
def test_facts_make_stage_health_and_message(facts: dict[str, Any], stage: Stage, health: Health, message: str) -> None:
    found = state(**facts)
    assert (found.stage, found.health) == (stage, health)
    assert message in found.message
    assert bool(message) == bool(found.message)


def test_every_stage_has_its_row_and_a_case_above() -> None:
    assert [row.stage for row in STAGES] == list(Stage)
    assert {stage for _, stage, _, _ in TABLE.values()} == set(Stage)


def test_the_life_of_a_folder() -> None:
    """From opening to ready, through a bad adapter, a disk that is taken away and the end of the engine."""
    seen = [known := state(queued=True)]

    def then(**facts: Any) -> None:
        seen.append(seen[-1].model_copy(update=facts))

    then(watched=True, phase=Phase.SCANNING)
    then(phase=Phase.WAITING)
    then(phase=Phase.EMBEDDING, indexed=True, files=3, chunks=10, coverage=0.5)
    then(phase=Phase.IDLE, queued=False, paused=True)
    then(paused=False)
    then(coverage=1.0, ready=True)
    then(problems=(problem(ProblemKind.ADAPTER),))
    then(problems=(problem(ProblemKind.ADAPTER), problem(ProblemKind.INDEX)))
    then(problems=(problem(ProblemKind.AWAY),), watched=False)
    then(problems=(), watched=True)
    seen.append(seen[-1].unwatched())
    assert [each.stage for each in seen] == [
        Stage.NOT_SERVED,
        Stage.INDEXING,
        Stage.WAITING,
        Stage.INDEXING,
        Stage.PAUSED,
        Stage.PARTLY_EMBEDDED,
        Stage.READY,
        Stage.DEGRADED,
        Stage.FAILED,
        Stage.AWAY,
        Stage.READY,
        Stage.NOT_SERVED,
    ]
    assert known.health is seen[-1].health is Health.UNKNOWN
    assert (seen[-1].files, seen[-1].ready) == (3, False)


def test_nobody_watches_means_never_ok() -> None:
    for facts, *_ in TABLE.values():
        assert state(**facts | {"watched": False}).health is not Health.OK


def test_the_worst_problem_is_told_whatever_the_order() -> None:
    kinds = list(ProblemKind)
    problems = [problem(kind, kind.value) for kind in reversed(kinds)]
    assert worst(problems) == problem(ProblemKind.AWAY, "away")
    assert worst([None, *problems[:4]]) == problem(ProblemKind.ADAPTER, "adapter")
    assert worst([None]) is None
    assert (
        state(problems=(problem(ProblemKind.WATCHING, "w"), problem(ProblemKind.SETTINGS, "s"))).message == "s Mend it."
    )
    assert [each.health for each in map(problem, kinds)] == sorted(
        (each.health for each in map(problem, kinds)), key=lambda health: -health.rank
    )


def test_a_problem_says_what_follows_what_is_wrong_and_what_to_do() -> None:
    error = AdapterError("The adapter /a has no weights", "Train it again.")
    made = Problem.of(ProblemKind.ADAPTER, error, "Using the base model")
    assert str(made) == "Using the base model: The adapter /a has no weights. Train it again."
    assert str(Problem.of(ProblemKind.INDEX, StoreError("The disk is full."))) == "The disk is full."


@pytest.mark.parametrize(
    ("coverage", "chunks", "said"),
    [(1.0, 5, None), (1.0, 0, None), (0.0, 5, "Nothing is embedded"), (0.429, 1000, "42 % embedded")],
)
def test_what_search_lacks_while_not_all_is_embedded(coverage: float, chunks: int, said: str | None) -> None:
    found = partly_embedded(coverage, chunks, "Run 'codecontext index'.")
    if said is None:
        assert found is None
    else:
        assert found is not None
        assert found.message.startswith(said)
        assert (found.kind, found.health) == (ProblemKind.COVERAGE, Health.OK)
        assert str(found).endswith("Run 'codecontext index'.")


def test_it_is_the_same_on_the_other_end_of_the_wire() -> None:
    sent = state(**READY | {"problems": (problem(ProblemKind.ADAPTER),), "phase": Phase.WAITING})
    for by_alias in (False, True):
        wire = sent.model_dump(mode="json", by_alias=by_alias)
        assert (wire["health"], wire["stage"], wire["message"]) == ("warning", "waiting", "It is broken. Mend it.")
        assert FolderState.model_validate(wire | {"health": "ok"}) == sent
    assert FolderState.model_validate(wire | {"health": "ok"}).health is Health.WARNING


def test_a_fact_of_the_wrong_type_is_refused() -> None:
    with pytest.raises(ValidationError):
        state(phase="asleep")


def test_importing_it_loads_no_database_and_no_model() -> None:
    script = (
        "import sys, codecontext.engine.folder_state\n"
        "print(*({'tantivy', 'sqlite3', 'numpy', 'torch', 'transformers'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""
