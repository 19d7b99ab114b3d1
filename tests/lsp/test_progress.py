"""Indexing as work-done progress: where the editor shows it, and as the user steers it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from lsprotocol import types

from codecontext.lsp.protocol import Method
from lsp.client import Editor, opened, write

CAN = types.ClientCapabilities(window=types.WindowClientCapabilities(work_done_progress=True))


def many(folder: Path) -> Path:
    """A project that takes long enough for a progress: no other test has the same code, so that no vector is known."""
    test = re.sub(r"\W", "_", folder.parent.name)
    return write(
        folder,
        {
            f"module_{n}.py": "".join(f"def {test}_{n}_{i}(x):\n    return x.field_{i} + {n}\n\n\n" for i in range(15))
            for n in range(60)
        },
    )


def kinds(values: list[Any]) -> list[str]:
    return [value["kind"] for value in values]


def is_over(editor: Editor, token: str | int) -> bool:
    return kinds(editor.progress[token])[-1:] == ["end"]


async def test_from_begin_to_end(tmp_path: Path) -> None:
    async with opened(many(tmp_path / "shop"), can=CAN) as editor:
        await editor.settled()
        assert editor.created
        for token in editor.created:
            await editor.until(lambda token=token: is_over(editor, token))
            values = editor.progress[token]
            assert kinds(values)[0] == "begin"
            assert set(kinds(values)[1:-1]) <= {"report"}
            assert values[0]["title"] == "Indexing shop"
            assert values[0]["cancellable"]
            assert all(0 <= value.get("percentage", 0) <= 100 for value in values)
        assert set(editor.progress) == set(editor.created)


async def test_cancelling_pauses_and_resume_goes_on(tmp_path: Path) -> None:
    async with opened(many(tmp_path / "shop"), can=CAN) as editor:
        await editor.until(lambda: any("begin" in kinds(values) for values in editor.progress.values()))
        token = editor.created[0]
        seen = len(editor.statuses)
        editor.window_work_done_progress_cancel(types.WorkDoneProgressCancelParams(token))
        await editor.status_that(
            lambda status: status["folders"][0]["paused"] and status["folders"][0]["phase"] == "idle", after=seen
        )
        await editor.until(lambda: is_over(editor, token))
        coverage = editor.statuses[-1]["folders"][0]["coverage"]
        assert coverage < 1
        seen = len(editor.statuses)
        await editor.ask(Method.RESUME)
        status = await editor.settled(after=seen)
        assert not status["folders"][0]["paused"]


async def test_an_editor_that_refuses_gets_none(tmp_path: Path) -> None:
    def refuse(editor: Editor) -> None:
        editor.refused.add(types.WINDOW_WORK_DONE_PROGRESS_CREATE)

    async with opened(many(tmp_path / "shop"), can=CAN, prepare=refuse) as editor:
        await editor.settled()
        assert types.WINDOW_WORK_DONE_PROGRESS_CREATE in editor.requested
        assert not editor.progress
