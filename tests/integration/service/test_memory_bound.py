"""``engine.memory_mb``: a service that takes more stops indexing and says so, and resumes once it may."""

from __future__ import annotations

from pathlib import Path

import pytest

from codecontext.engine.folder_state import FolderState, Health, ProblemKind, Stage

from .conftest import Served, codebase, write_files

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_indexing_stops_above_the_limit_and_searches_do_not(shared: Served, project: Path) -> None:
    write_files(project, codebase(3))
    await shared.serve(project)
    await shared.indexed(project)

    def stopped() -> FolderState | None:
        state = shared.report(project)
        return state if state.has_problem(ProblemKind.INDEX) else None

    write_files(project, codebase(2, about="later"))
    await shared.serve(project, editor={"engine": {"memory_mb": 20}})
    state = await shared.until(stopped)
    assert (state.health, state.stage) == (Health.ERROR, Stage.FAILED)
    assert state.message.startswith("Indexing stopped: the engine takes ")
    assert "more than engine.memory_mb (20) allows. Allow more" in state.message
    assert (await shared.paths("handle task a of part 2"))[0] == "pkg/task_2.py"

    await shared.serve(project, editor={"engine": {"memory_mb": 20_000}})
    await shared.until_found("handle later a of part 1", "pkg/later_1.py")
    assert not (await shared.indexed(project)).problems
