"""Indexing as progress in the editor: from the requests that the editor gets to those that it sends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from codecontext.engine.folder_state import Health
from codecontext.lsp.progress import IndexingProgress
from codecontext.lsp.protocol import EngineStatus, FolderStatus, Status
from codecontext.lsp.server import CodeContextServer
from codecontext.rpc.messages import EngineState

from .conftest import Editor

URI = "file:///srv/ann/shop"


def status(phase: str, done: int = 0, total: int = 0, *, uri: str = URI, **fields: Any) -> Status:
    folder = FolderStatus(uri=uri, name="shop", folder="/srv/ann/shop", phase=phase, done=done, total=total, **fields)
    return nothing(folder)


def nothing(*folders: FolderStatus) -> Status:
    engine = EngineStatus(state=EngineState.BUSY)
    return Status(health=Health.OK, quiescent=False, version="1.0", engine=engine, folders=list(folders))


class Shown:
    """Progress as an editor shows it."""

    def __init__(self, editor: Editor) -> None:
        self.editor = editor
        self.cancelled: list[str] = []
        server: CodeContextServer = editor.server
        editor.initialize()
        self.progress = IndexingProgress(server.work_done_progress, server.run, self.cancelled.append)

    async def follow(self, *statuses: Status) -> None:
        for each in statuses:
            self.progress.follow(each)
            await settle()

    async def grant(self, *, refuse: bool = False) -> str:
        """Answer the request for room; its token."""
        (request,) = [one for one in self.editor.received if one.get("method") == "window/workDoneProgress/create"]
        self.editor.received.remove(request)
        answer = {"error": {"code": -32601, "message": "no room"}} if refuse else {"result": None}
        self.editor.send({"jsonrpc": "2.0", "id": request["id"]} | answer)
        await settle()
        token: str = request["params"]["token"]
        return token

    def reports(self) -> list[dict[str, Any]]:
        return [one["params"]["value"] for one in self.editor.received if one["method"] == "$/progress"]


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
def shown(editor: Editor) -> Shown:
    return Shown(editor)


async def test_from_beginning_to_end(shown: Shown) -> None:
    await shown.follow(status("reading", 10, 200))
    token = await shown.grant()
    await shown.follow(
        status("reading", 100, 200),
        status("embedding", 500, 1000, eta_seconds=12.0),
        status("embedding", 900, 1000, eta_seconds=100.0, chunks=1000),
        status("idle", chunks=1000),
    )
    assert [one["params"]["token"] for one in shown.editor.received] == [token] * 5
    assert shown.reports() == [
        {
            "kind": "begin",
            "title": "Indexing shop",
            "cancellable": True,
            "message": "reading 10 of 200",
            "percentage": 0,
        },
        {"kind": "report", "message": "reading 100 of 200", "percentage": 5},
        {"kind": "report", "message": "embedding 500 of 1,000, 12 s left", "percentage": 55},
        {"kind": "report", "message": "embedding 900 of 1,000, 2 min left", "percentage": 91},
        {"kind": "end", "message": "1,000 chunks"},
    ]
    assert shown.editor.server.work_done_progress.tokens == {}


async def test_work_that_is_over_at_once_is_not_shown(shown: Shown) -> None:
    await shown.follow(status("scanning"), status("reading", 1, 49), status("embedding", 3, 40), status("idle"))
    assert shown.editor.received == []


async def test_the_percentage_never_falls(shown: Shown) -> None:
    await shown.follow(status("reading", 0, 100))
    await shown.grant()
    await shown.follow(
        status("reading", 100, 100),
        status("loading model"),
        status("embedding", 0, 500),
        status("embedding", 400, 500),
        status("scanning"),
        status("reading", 2, 3),
        status("embedding", 450, 900),
        status("embedding", 901, 900),
    )
    percentages = [report["percentage"] for report in shown.reports()]
    assert percentages == sorted(percentages)
    assert percentages[-1] == 100


async def test_the_same_is_not_reported_twice(shown: Shown) -> None:
    await shown.follow(status("embedding", 1, 100))
    await shown.grant()
    await shown.follow(status("embedding", 1, 100), status("embedding", 1, 100))
    assert [report["kind"] for report in shown.reports()] == ["begin"]


async def test_every_run_has_a_token_of_its_own(shown: Shown) -> None:
    tokens = []
    for _ in range(2):
        await shown.follow(status("embedding", 1, 100))
        tokens.append(await shown.grant())
        await shown.follow(status("idle"))
    assert len(set(tokens)) == 2
    assert [report["kind"] for report in shown.reports()] == ["begin", "end"] * 2


async def test_an_editor_without_room_is_sent_nothing(shown: Shown) -> None:
    await shown.follow(status("embedding", 1, 100))
    await shown.grant(refuse=True)
    await shown.follow(status("embedding", 50, 100), status("idle"))
    assert shown.reports() == []


async def test_work_that_ends_before_the_editor_has_room_is_not_shown(shown: Shown) -> None:
    await shown.follow(status("embedding", 1, 100), status("idle"))
    await shown.grant()
    assert shown.reports() == []
    assert shown.editor.server.work_done_progress.tokens == {}


@pytest.mark.parametrize(
    "then",
    [status("idle"), status("embedding", 2, 100, paused=True), nothing()],
    ids=["at rest", "paused", "folder closed"],
)
async def test_it_ends_with_the_work(then: Status, shown: Shown) -> None:
    await shown.follow(status("embedding", 1, 100))
    await shown.grant()
    await shown.follow(then)
    assert [report["kind"] for report in shown.reports()] == ["begin", "end"]


async def test_waiting_for_another_process_is_not_the_end(shown: Shown) -> None:
    await shown.follow(status("embedding", 1, 100))
    await shown.grant()
    await shown.follow(status("waiting"))
    assert [report["kind"] for report in shown.reports()] == ["begin"]


async def test_cancelling_tells_which_folder(shown: Shown) -> None:
    await shown.follow(status("embedding", 1, 100))
    token = await shown.grant()
    shown.editor.notify("window/workDoneProgress/cancel", {"token": token})
    await settle()
    assert shown.cancelled == [URI]
    await shown.follow(status("embedding", 2, 100), status("idle", paused=True))
    assert [report["kind"] for report in shown.reports()] == ["begin", "report", "end"]


async def test_cancelling_what_is_over_changes_nothing(shown: Shown) -> None:
    await shown.follow(status("embedding", 1, 100))
    token = await shown.grant()
    await shown.follow(status("idle"))
    shown.editor.notify("window/workDoneProgress/cancel", {"token": token})
    await settle()
    assert shown.cancelled == []


async def test_folders_have_progress_of_their_own(shown: Shown) -> None:
    await shown.follow(status("embedding", 1, 100))
    first = await shown.grant()
    one, other = (status("embedding", 2, 100, uri=uri).folders[0] for uri in (URI, "file:///other"))
    await shown.follow(nothing(one, other))
    second = await shown.grant()
    await shown.follow(nothing(one))
    ended = [one["params"]["token"] for one in shown.editor.received if one["params"]["value"]["kind"] == "end"]
    assert ended == [second]
    assert first != second
