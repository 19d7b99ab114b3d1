"""A folder whose settings want words alone: no model is loaded for it, and nothing is called missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from codecontext.engine.folder_state import FolderState, Health, Stage

from .conftest import Served, codebase, state_of, write_files

pytestmark = pytest.mark.asyncio(loop_scope="module")

OFF = {"indexing": {"vectors": False}}


async def test_words_alone_until_vectors_are_wanted(shared: Served, project: Path) -> None:
    write_files(project, codebase(3))

    def at_rest_without_model() -> FolderState | None:
        state = shared.report(project)
        return state if state.keyword_only and state.chunks and not state.is_at_work and not state.ready else None

    await shared.serve(project, editor=OFF)
    state = await shared.until(at_rest_without_model)
    assert (state.stage, state.health, state.message, state.coverage) == (Stage.READY, Health.OK, "", 1.0)
    assert (state.space, state.backend) == ("", "")
    response = await shared.ask("handle task a of part 2")
    assert response.hits[0].path == "pkg/task_2.py"
    assert state_of(response, str(project)).degraded is None

    await shared.serve(project)
    state = await shared.indexed(project)
    assert (state.keyword_only, state.stage) == (False, Stage.READY)
    assert state.space

    await shared.serve(project, editor=OFF)
    await shared.until(at_rest_without_model)
    assert state_of(await shared.ask("handle task a of part 2"), str(project)).space == ""
