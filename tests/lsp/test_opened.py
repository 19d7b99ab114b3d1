"""``codecontext/opened``: what was asked and opened, kept where the user wants that and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest
from pygls.exceptions import JsonRpcException

from codecontext.core.paths import search_log_file
from codecontext.lsp.protocol import Method
from codecontext.search.log import SearchLog
from lsp.client import Editor, Json, opened, write

TEXT = "import os\n\n\ndef hold(path):\n    return os.open(path, os.O_EXCL)\n"
QUESTION = "mutual exclusion"


def went_to(file: Path, first: int = 3, last: int = 4) -> Json:
    return {
        "query": QUESTION,
        "uri": file.as_uri(),
        "range": {"start": {"line": first, "character": 0}, "end": {"line": last, "character": 35}},
    }


def kept(folder: Path) -> list[tuple[str, str, int, int]]:
    entries = SearchLog(search_log_file(folder)).read()
    return [(entry.query, entry.path, entry.start_line, entry.end_line) for entry in entries]


async def said(editor: Editor, params: Json) -> str:
    answer = await editor.ask(Method.OPENED, params)
    return str(answer["message"])


async def test_what_was_opened_is_kept_by_the_lines_of_the_file(tmp_path: Path) -> None:
    folder = write(tmp_path / "shop", {"locks.py": TEXT})
    async with opened(folder, settings={"search": {"keepLog": True}}) as editor:
        assert "were recorded" in await said(editor, went_to(folder / "locks.py"))
        editor.open(folder / "locks.py", f"# one\n# two\n{TEXT}\n\ndef added():\n    pass\n")
        assert "were recorded" in await said(editor, went_to(folder / "locks.py", 5, 6))
        assert "not saved" in await said(editor, went_to(folder / "locks.py", 9, 10))
    assert kept(folder) == [(QUESTION, "locks.py", 4, 5)] * 2


async def test_nothing_is_kept_without_consent(tmp_path: Path) -> None:
    folder = write(tmp_path / "shop", {"locks.py": TEXT})
    async with opened(folder) as editor:
        assert "keep_log is off" in await said(editor, went_to(folder / "locks.py"))
        with pytest.raises(JsonRpcException, match=r"uri: .* is in no open workspace folder"):
            await said(editor, went_to(tmp_path / "elsewhere.py"))
    assert kept(folder) == []
