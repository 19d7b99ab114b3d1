"""What ``codecontext/status`` and ``codecontext/statusChanged`` say, and how often."""

from __future__ import annotations

from pathlib import Path

import pytest

from codecontext import __version__
from codecontext.lsp.protocol import Method, Status
from lsp.client import Editor, opened, write

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_status_at_rest(editor: Editor, project: Path) -> None:
    status = Status.model_validate(await editor.ask(Method.STATUS))
    (folder,) = status.folders
    assert (status.health, status.message, status.quiescent, status.version) == ("ok", "", True, __version__)
    assert (status.engine.state, status.engine.message, status.engine.restarts) == ("ready", "", 0)
    assert status.engine.pid
    assert status.engine.memory_bytes
    assert (folder.uri, folder.name, folder.health, folder.message) == (project.as_uri(), "shop", "ok", "")
    assert (folder.files, folder.coverage, folder.phase, folder.eta_seconds) == (5, 1, "idle", None)
    assert folder.ready
    assert folder.chunks >= 5
    assert folder.model
    assert folder.backend
    assert folder.space
    assert (folder.adapter, folder.current_adapter_path, folder.wanted_adapter_path) == (None, None, None)


async def test_the_status_is_a_command_too(editor: Editor) -> None:
    by_command, by_request = await editor.command("status"), await editor.ask(Method.STATUS)
    del by_command["engine"]["memoryBytes"], by_request["engine"]["memoryBytes"]
    assert by_command == by_request


async def test_status_takes_no_parameters(editor: Editor) -> None:
    assert await editor.ask(Method.STATUS, {}) is not None
    assert await editor.ask(Method.STATUS, None) is not None


async def test_the_last_status_sent_is_the_status(editor: Editor) -> None:
    asked = await editor.ask(Method.STATUS)
    told = editor.statuses[-1]
    for status in (asked, told):
        status["engine"] = {**status["engine"], "memoryBytes": None}
    assert told == asked


async def test_the_status_follows_the_work_from_the_first_file_to_the_last_vector(tmp_path: Path) -> None:
    functions = "".join(f"def handle_{n}(order):\n    return order.item_{n} * {n}\n\n\n" for n in range(40))
    write(tmp_path, {f"module_{number}.py": functions.replace("order", f"order{number}") for number in range(30)})
    async with opened(tmp_path) as editor:
        await editor.settled()
        statuses = [Status.model_validate(status) for status in editor.statuses]

    arrived = [status for status in statuses if status.folders]
    coverages = [status.folders[0].coverage for status in arrived]
    assert coverages == sorted(coverages)
    assert coverages[-1] == 1
    chunks = [status.folders[0].chunks for status in arrived]
    assert chunks[-1] == 30 * 40
    assert not any(status.quiescent for status in arrived[:-1] if status.folders[0].coverage < 1)
    assert {"embedding", "idle"} <= {status.folders[0].phase for status in arrived}
    assert all(status.folders[0].done <= status.folders[0].total for status in arrived if status.folders[0].total)

    told: dict[tuple[str, int], float] = {}  # a phase with its amount of work is one piece of work
    for status in arrived:
        folder = status.folders[0]
        if folder.eta_seconds is not None:
            work = (folder.phase, folder.total)
            assert folder.eta_seconds <= told.get(work, float("inf"))
            told[work] = folder.eta_seconds
