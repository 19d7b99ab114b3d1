"""``codecontext/search``: what is asked, what is answered, and what the answer says about itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from lsprotocol import types

from codecontext.lsp.protocol import SearchResult
from lsp.client import Editor, opened, paths, symbols, write

pytestmark = pytest.mark.asyncio(loop_scope="module")

ASTRAL = '''\
def cheer(name):  # 🎉🎉🎉
    """Congratulates: 🥳."""
    return f"🎉 {name}"


"🎉🎉"; party = lambda guests: guests  # 🎈


class 𠮷carnival: """🎂""" ; mood = "🎉"
'''


async def test_a_name_is_found_first(editor: Editor) -> None:
    result = await editor.search("release_lock")
    assert symbols(result)[0] == "release_lock"
    SearchResult.model_validate(result)
    assert result["query"] == "release_lock"
    assert result["complete"]
    assert result["message"] == ""


async def test_a_question_in_words_is_found_by_its_meaning(editor: Editor) -> None:
    result = await editor.search("mutual exclusion between processes")
    assert paths(result)[0] == "app/locks.py"
    assert result["hits"][0]["evidence"]["semanticRank"] is not None


async def test_the_best_hit_comes_first(editor: Editor) -> None:
    scores = [hit["score"] for hit in (await editor.search("price of the goods in a cart"))["hits"]]
    assert len(scores) > 1
    assert scores == sorted(scores, reverse=True)


async def test_a_hit_says_where_and_what_it_is(editor: Editor, project: Path) -> None:
    hit = (await editor.search("hold_lock"))["hits"][0]
    lines = (project / "app/locks.py").read_text(encoding="utf-8").split("\n")
    start, end = hit["range"]["start"], hit["range"]["end"]
    assert hit["uri"] == (project / "app/locks.py").as_uri()
    assert hit["folder"] == project.as_uri()
    assert (hit["language"], hit["kind"], hit["symbol"]) == ("python", "function", "hold_lock")
    assert hit["qualifiedName"].endswith("hold_lock")
    assert hit["signature"].startswith("def hold_lock")
    assert hit["text"] == "\n".join(lines[start["line"] : end["line"] + 1])
    assert end["character"] == len(lines[end["line"]])
    assert hit["freshness"] == "fresh"
    name = hit["selectionRange"]
    assert name["start"]["line"] == name["end"]["line"]
    line = lines[name["start"]["line"]]
    assert line[name["start"]["character"] : name["end"]["character"]] == "hold_lock"


async def test_the_answer_says_what_it_rests_on(editor: Editor, project: Path) -> None:
    folder = editor.statuses[-1]["folders"][0]
    (state,) = (await editor.search("lock"))["states"]
    assert state == {
        "folder": project.as_uri(),
        "adapter": None,
        "fingerprint": None,
        "space": folder["space"],
        "coverage": 1.0,
        "degraded": None,
    }


@pytest.mark.parametrize(
    ("query", "params", "expected"),
    [
        ("goods lang:typescript", {}, {"web/cart.ts"}),
        ("goods", {"languages": ["typescript"]}, {"web/cart.ts"}),
        ("goods path:app", {}, {"app/locks.py", "app/prices.py", "app/emoji.py"}),
        ("goods", {"paths": ["app/*.py", "!app/emoji.py"]}, {"app/locks.py", "app/prices.py"}),
        ("goods kind:section", {}, {"README.md"}),
        ("goods", {"kinds": ["section"]}, {"README.md"}),
        ("lang:python goods", {"paths": ["web"]}, set()),
    ],
)
async def test_filters(editor: Editor, query: str, params: dict[str, Any], expected: set[str]) -> None:
    result = await editor.search(query, limit=50, **params)
    assert set(paths(result)) == expected
    assert bool(result["message"]) == (not expected)


async def test_the_limit(editor: Editor) -> None:
    everything = await editor.search("goods", limit=200)
    assert len(everything["hits"]) > 2
    assert paths(await editor.search("goods", limit=2)) == paths(everything)[:2]


async def test_nothing_found_says_why(editor: Editor) -> None:
    result = await editor.search("lock lang:haskell")
    assert result["hits"] == []
    assert result["message"]


async def test_the_command_answers_the_same(editor: Editor) -> None:
    by_command, by_request = await editor.command("search", {"query": "lock"}), await editor.search("lock")
    del by_command["milliseconds"], by_request["milliseconds"]
    assert by_command == by_request


async def test_words_are_answered_first_and_then_meaning(editor: Editor) -> None:
    result = await editor.search("mutual exclusion lock", partialResultToken="first")
    (first,) = editor.progress["first"]
    SearchResult.model_validate(first)
    assert not first["complete"]
    assert result["complete"]
    assert all(hit["evidence"]["semanticRank"] is None for hit in first["hits"])
    assert any(hit["evidence"]["semanticRank"] is not None for hit in result["hits"])
    assert first["states"][0]["space"] == ""
    assert result["states"][0]["space"] != ""


async def test_a_token_may_be_a_number(editor: Editor) -> None:
    await editor.search("lock", partialResultToken=77)
    assert len(editor.progress[77]) == 1


async def test_folders_by_their_uri(editor: Editor, project: Path) -> None:
    escaped = project.as_uri().replace("shop", "%73hop")
    assert paths(await editor.search("hold_lock", folders=[escaped]))[0] == "app/locks.py"


# -- unsaved documents -------------------------------------------------------------------------------------------


@pytest_asyncio.fixture(loop_scope="module")
async def locks(editor: Editor, project: Path) -> AsyncIterator[Path]:
    """A file that is open; closed at the end."""
    file = project / "app/locks.py"
    editor.open(file)
    yield file
    editor.close_document(file)


async def test_lines_above_that_are_not_saved_move_a_hit(editor: Editor, locks: Path) -> None:
    before = (await editor.search("release_lock"))["hits"][0]
    editor.change(locks, "# one\n# two 🎉\n" + locks.read_text(encoding="utf-8"))
    after = (await editor.search("release_lock"))["hits"][0]
    assert after["range"]["start"]["line"] == before["range"]["start"]["line"] + 2
    assert after["selectionRange"]["start"]["line"] == before["selectionRange"]["start"]["line"] + 2
    assert after["text"] == before["text"]
    assert after["freshness"] == "moved"


async def test_a_body_that_was_changed_is_shown_as_it_is_now(editor: Editor, locks: Path) -> None:
    editor.change(locks, locks.read_text(encoding="utf-8").replace("fcntl.LOCK_UN", "fcntl.LOCK_NONE"))
    hit = (await editor.search("release_lock"))["hits"][0]
    assert "LOCK_NONE" in hit["text"]
    assert "LOCK_UN" not in hit["text"]
    assert hit["freshness"] == "changed"


async def test_a_function_that_was_deleted_is_not_shown(editor: Editor, locks: Path) -> None:
    text = locks.read_text(encoding="utf-8")
    editor.change(locks, text[: text.index("def release_lock")])
    assert "release_lock" not in symbols(await editor.search("release_lock"))


async def test_an_empty_document_shows_nothing(editor: Editor, locks: Path) -> None:
    editor.change(locks, "")
    assert "app/locks.py" not in paths(await editor.search("hold_lock"))


async def test_a_closed_document_counts_as_its_file(editor: Editor, project: Path) -> None:
    file = project / "app/locks.py"
    before = await editor.search("release_lock")
    editor.open(file, "# nothing\n")
    assert "release_lock" not in symbols(await editor.search("release_lock"))
    editor.close_document(file)
    after = await editor.search("release_lock")
    del before["milliseconds"], after["milliseconds"]
    assert after == before


async def test_changes_of_parts_add_up(editor: Editor, locks: Path) -> None:
    """Incremental changes, in UTF-16 units, on a line with characters outside of the basic plane."""
    before = (await editor.search("hold_lock"))["hits"][0]
    identifier = types.VersionedTextDocumentIdentifier(2, locks.as_uri())
    start, tail = types.Position(0, 0), types.Position(0, 4)
    changes: list[types.TextDocumentContentChangeEvent] = [
        types.TextDocumentContentChangePartial(types.Range(start, start), "🎉🎉 x\n"),
        types.TextDocumentContentChangePartial(types.Range(tail, types.Position(0, 6)), "# y\n#"),
    ]
    editor.text_document_did_change(types.DidChangeTextDocumentParams(identifier, changes))
    after = (await editor.search("hold_lock"))["hits"][0]
    assert after["range"]["start"]["line"] == before["range"]["start"]["line"] + 2
    assert after["text"] == before["text"]


# -- position encodings ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", list(types.PositionEncodingKind), ids=lambda encoding: encoding.value)
async def test_positions_are_in_the_agreed_encoding(tmp_path: Path, encoding: types.PositionEncodingKind) -> None:
    write(tmp_path, {"party.py": ASTRAL})
    general = types.GeneralClientCapabilities(position_encodings=[encoding])
    async with opened(tmp_path, can=types.ClientCapabilities(general=general)) as editor:
        await editor.settled()
        assert editor.server_capabilities.position_encoding == encoding
        hit = (await editor.search("𠮷carnival", kinds=["class"]))["hits"][0]
        unsaved = ASTRAL.replace('"🎉🎉";', '"🎉🎉🎉🎉"; # 🎈\n')
        editor.open(tmp_path / "party.py", unsaved)
        moved = (await editor.search("𠮷carnival", kinds=["class"]))["hits"][0]
    lines = ASTRAL.split("\n")
    assert spanned(lines, hit["selectionRange"], encoding) == "𠮷carnival"
    assert spanned(lines, hit["range"], encoding).rstrip() == lines[8]
    assert spanned(unsaved.split("\n"), moved["selectionRange"], encoding) == "𠮷carnival"


def spanned(lines: list[str], span: dict[str, dict[str, int]], encoding: types.PositionEncodingKind) -> str:
    """Text of a range within one line, counted in units of the encoding."""
    start, end = span["start"], span["end"]
    assert start["line"] == end["line"]
    codec, width = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}[encoding.value]
    encoded = lines[start["line"]].encode(codec)
    return encoded[start["character"] * width : end["character"] * width].decode(codec)
