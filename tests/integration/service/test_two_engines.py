"""Two editors on one folder: one engine writes its index, both answer, and the survivor takes over."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from codecontext.embeddings import EmbeddingProvider
from codecontext.rpc.messages import FilesChanged

from .conftest import Served, assert_as_if_made_anew, codebase, write_files

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_survivor_takes_over(
    start: Callable[..., Served], project: Path, provider: EmbeddingProvider
) -> None:
    write_files(project, codebase(25))
    one, other = start(), start()
    await asyncio.gather(one.serve(project), other.serve(project))
    both = [one, other]

    def writer() -> Served | None:
        return next((each for each in both if 0 < each.report(project).done < each.report(project).total), None)

    first = asyncio.create_task(one.until(writer))
    second = asyncio.create_task(other.until(writer))
    finished, unfinished = await asyncio.wait({first, second}, return_when=asyncio.FIRST_COMPLETED)
    for task in unfinished:
        task.cancel()
    victim = finished.pop().result()
    survivor = next(each for each in both if each is not victim)
    await survivor.until_found("task_3_b", "pkg/task_3.py")  # what the other wrote answers here too
    assert victim.client.pid is not None
    victim.client._stopped = True  # its editor is gone too: nobody starts it again
    os.kill(victim.client.pid, signal.SIGKILL)
    report = await survivor.indexed(project)
    assert_as_if_made_anew(project, report, provider)


async def test_what_one_writes_the_other_shows(start: Callable[..., Served], project: Path) -> None:
    write_files(project, codebase(2))
    one, other = start(), start()
    await asyncio.gather(one.serve(project), other.serve(project))
    await asyncio.gather(one.indexed(project), other.indexed(project))
    write_files(project, {"new.py": "def brand_new():\n    return 1\n"})
    one.client.files_changed(FilesChanged(folder=str(project), paths=("new.py",)))
    await one.until_found("brand_new", "new.py")
    await other.until(lambda: other.report(project).files == 3)
    assert await other.paths("brand_new", limit=1) == ["new.py"]
