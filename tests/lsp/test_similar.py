"""``codecontext/findSimilar``: by a place, by a selection, in saved and in unsaved text."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from codecontext.lsp.protocol import Method
from lsp.client import Editor, opened, symbols, write

pytestmark = pytest.mark.asyncio(loop_scope="module")

FILES = {
    "read.py": """\
def read_lines(path):
    with open(path) as stream:
        return [line.rstrip() for line in stream]


def multiply(left, right):
    return left * right
""",
    "load.py": """\
def load_rows(file):
    with open(file) as handle:
        return [row.strip() for row in handle]
""",
    "math.py": """\
def product(first, second):
    return first * second
""",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Editor, Path]]:
    folder = write(tmp_path_factory.mktemp("similar"), FILES)
    async with opened(folder) as editor:
        await editor.settled()
        yield editor, folder


def span(start: tuple[int, int], end: tuple[int, int]) -> dict[str, Any]:
    return {
        "start": {"line": start[0], "character": start[1]},
        "end": {"line": end[0], "character": end[1]},
    }


async def similar(editor: Editor, file: Path, start: tuple[int, int], end: tuple[int, int]) -> Any:
    return await editor.ask(Method.FIND_SIMILAR, {"uri": file.as_uri(), "range": span(start, end)})


async def test_the_definition_at_a_place(shop: tuple[Editor, Path]) -> None:
    editor, folder = shop
    result = await similar(editor, folder / "read.py", (1, 4), (1, 4))
    assert symbols(result)[0] == "load_rows"
    assert "read_lines" not in symbols(result)
    assert result["query"] == "read.py:2"


async def test_a_selection(shop: tuple[Editor, Path]) -> None:
    editor, folder = shop
    result = await similar(editor, folder / "read.py", (5, 0), (7, 0))
    assert symbols(result)[0] == "product"
    assert "multiply" not in symbols(result)


async def test_a_selection_in_one_line(shop: tuple[Editor, Path]) -> None:
    editor, folder = shop
    result = await similar(editor, folder / "read.py", (6, 11), (6, 23))
    assert symbols(result)[0] == "product"


async def test_the_limit_and_the_command(shop: tuple[Editor, Path]) -> None:
    editor, folder = shop
    params = {"uri": (folder / "read.py").as_uri(), "range": span((0, 0), (0, 0)), "limit": 1}
    result = await editor.command("findSimilar", params)
    assert symbols(result) == ["load_rows"]


async def test_a_place_below_lines_that_are_not_saved(shop: tuple[Editor, Path]) -> None:
    editor, folder = shop
    file = folder / "read.py"
    editor.open(file, "# new\n" * 5 + FILES["read.py"])
    try:
        result = await similar(editor, file, (11, 4), (11, 4))
        assert symbols(result)[0] == "product"
        assert "multiply" not in symbols(result)
    finally:
        editor.close_document(file)


async def test_code_that_is_not_saved(shop: tuple[Editor, Path]) -> None:
    editor, folder = shop
    file = folder / "math.py"
    new = "\n\ndef read_all(name):\n    with open(name) as source:\n        return [each.rstrip() for each in source]\n"
    editor.open(file, FILES["math.py"] + new)
    try:
        for end in ((4, 0), (6, 200)):
            result = await similar(editor, file, (4, 0), end)
            assert symbols(result)[0] == "read_lines"
            assert "load_rows" in symbols(result)
    finally:
        editor.close_document(file)


async def test_an_unsaved_new_file(shop: tuple[Editor, Path]) -> None:
    editor, folder = shop
    file = folder / "new.py"
    editor.open(file, "def times(one, other):\n    return one * other\n")
    try:
        for end in ((0, 0), (1, 22)):
            result = await similar(editor, file, (0, 0), end)
            assert set(symbols(result)[:2]) == {"product", "multiply"}
    finally:
        editor.close_document(file)


async def test_a_place_without_code(shop: tuple[Editor, Path]) -> None:
    editor, folder = shop
    file = folder / "blank.py"
    editor.open(file, "\n\n\n")
    try:
        with pytest.raises(JsonRpcException, match="no code at this place") as refusal:
            await similar(editor, file, (1, 0), (1, 0))
        assert refusal.value.code == types.ErrorCodes.InvalidParams
    finally:
        editor.close_document(file)


async def test_astral_characters_before_a_selection(shop: tuple[Editor, Path]) -> None:
    editor, folder = shop
    file = folder / "math.py"
    line = 'smile = "🎉🎉🎉"; total = first * second'
    editor.open(file, f"{line}\n{FILES['math.py']}")
    try:
        start = len(line[: line.index("total")].encode("utf-16-le")) // 2
        result = await similar(editor, file, (0, start), (0, start + len("total = first * second")))
        assert "product" in symbols(result)[:2]
    finally:
        editor.close_document(file)
