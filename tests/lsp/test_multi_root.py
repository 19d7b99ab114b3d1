"""Several workspace folders in one server: each with its own index, settings and adapter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lsprotocol import types
from lsprotocol.types import FileChangeType

from codecontext.adapters import inspect_adapter
from codecontext.lsp.protocol import Method
from lsp.client import Editor, Json, capabilities, is_settled, opened, paths, symbols, write

PULLS = types.ClientCapabilities(workspace=types.WorkspaceClientCapabilities(configuration=True))


def function(name: str) -> str:
    return f"def {name}(goods):\n    return sorted(goods)\n"


def by_name(status: Json) -> dict[str, Any]:
    return {folder["name"]: folder for folder in status["folders"]}


async def test_folders_come_and_go(tmp_path: Path) -> None:
    left = write(tmp_path / "left", {"left.py": function("order_left")})
    right = write(tmp_path / "right", {"right.py": function("order_right")})
    third = write(tmp_path / "third", {"third.py": function("order_third")})
    async with opened(left, right) as editor:
        status = await editor.settled()
        assert [folder["uri"] for folder in status["folders"]] == [left.as_uri(), right.as_uri()]

        answer = await editor.search("order goods")
        assert set(symbols(answer)) == {"order_left", "order_right"}
        assert [state["folder"] for state in answer["states"]] == [left.as_uri(), right.as_uri()]
        assert {hit["folder"] for hit in answer["hits"]} == {left.as_uri(), right.as_uri()}
        scores = [hit["score"] for hit in answer["hits"]]
        assert scores == sorted(scores, reverse=True)
        assert symbols(await editor.search("order goods", folders=[right.as_uri()])) == ["order_right"]

        seen = len(editor.statuses)
        await editor.ask(Method.PAUSE, {"folder": right.as_uri()})
        status = await editor.status_that(lambda status: by_name(status)["right"]["paused"], after=seen)
        assert not by_name(status)["left"]["paused"]
        await editor.ask(Method.RESUME, {"folder": right.as_uri()})

        seen = len(editor.statuses)
        editor.change_folders(added=[third], removed=[left])
        status = await editor.status_that(
            lambda status: is_settled(status) and set(by_name(status)) == {"right", "third"}, after=seen
        )
        assert set(symbols(await editor.search("order goods"))) == {"order_right", "order_third"}

        editor.change_folders(removed=[right, third])
        await editor.status_that(lambda status: not status["folders"], after=seen)
        assert (await editor.search("order goods"))["hits"] == []

        seen = len(editor.statuses)
        editor.change_folders(added=[left])
        status = await editor.settled(after=seen)
        assert symbols(await editor.search("order goods")) == ["order_left"]


async def test_the_same_folder_twice_is_one(tmp_path: Path) -> None:
    folder = write(tmp_path / "once", {"a.py": function("order_once")})
    async with opened(folder) as editor:
        await editor.settled()
        seen = len(editor.statuses)
        event = types.WorkspaceFoldersChangeEvent([types.WorkspaceFolder(folder.as_uri() + "/", "again")], [])
        editor.workspace_did_change_workspace_folders(types.DidChangeWorkspaceFoldersParams(event))
        await editor.finds("order_once", lambda result: symbols(result) == ["order_once"])
        assert len((await editor.ask(Method.STATUS))["folders"]) == 1
        assert all(len(status["folders"]) == 1 for status in editor.statuses[seen:])


async def test_a_folder_and_a_link_to_it_are_served_once_and_both_answered(tmp_path: Path) -> None:
    real = write(tmp_path / "real", {"a.py": function("order_once")})
    link = tmp_path / "link"
    link.symlink_to(real)
    async with opened(link, real) as editor:
        status = await editor.settled()
        assert [folder["uri"] for folder in status["folders"]] == [link.as_uri(), real.as_uri()]
        assert [hit["uri"] for hit in (await editor.search("order_once"))["hits"]] == [(link / "a.py").as_uri()]
        for folder in (link, real):
            answer = await editor.search("order_once", folders=[folder.as_uri()])
            assert [hit["uri"] for hit in answer["hits"]] == [(folder / "a.py").as_uri()]
            assert folder.as_uri() in [state["folder"] for state in answer["states"]]
        editor.open(real / "a.py", "# new\n" + function("order_once"))
        answer = await editor.finds("order_once", lambda result: result["hits"][0]["range"]["start"]["line"] == 1)
        assert answer["hits"][0]["uri"] == (link / "a.py").as_uri()

        write(real, {"b.py": function("order_twice")})  # which the server watches
        await editor.finds("order_twice", lambda result: symbols(result)[:1] == ["order_twice"])


async def test_a_folder_of_this_machine_by_its_name_and_escaped_in_another_way(tmp_path: Path) -> None:
    folder = write(tmp_path / "mine ö", {"a.py": function("order_once")})
    uri = f"file://localhost{folder}".replace(" ", "%20").replace("tmp", "%74mp")
    async with opened() as editor:
        event = types.WorkspaceFoldersChangeEvent([types.WorkspaceFolder(uri, "mine")], [])
        editor.workspace_did_change_workspace_folders(types.DidChangeWorkspaceFoldersParams(event))
        answer = await editor.finds("order_once", lambda result: bool(result["hits"]))
        assert answer["hits"][0]["uri"] == (folder / "a.py").as_uri()
        assert answer["hits"][0]["folder"] == uri


async def test_a_folder_inside_another(tmp_path: Path) -> None:
    outer = write(tmp_path / "outer", {"top.py": function("order_top"), "inner/deep.py": function("order_deep")})
    inner = outer / "inner"
    async with opened(outer, inner, can=capabilities("visual-studio-code")) as editor:
        await editor.settled()
        answer = await editor.search("order goods")
        places = Counter((hit["uri"], hit["range"]["start"]["line"]) for hit in answer["hits"])
        assert set(places.values()) == {1}, "One place was shown twice."
        assert set(symbols(answer)) == {"order_top", "order_deep"}

        write(inner, {"deep.py": function("order_deeper")})
        editor.watched({inner / "deep.py": FileChangeType.Changed})
        for folder in (outer, inner):
            answer = await editor.finds(
                "order_deeper",
                lambda result: symbols(result)[:1] == ["order_deeper"] and "order_deep" not in symbols(result),
                folders=[folder.as_uri()],
            )


async def test_each_folder_has_its_own_adapter_and_settings(tmp_path: Path, make_adapter: Callable[..., Path]) -> None:
    left = write(tmp_path / "left", {f"left_{n}.py": function(f"order_left_{n}") for n in range(5)})
    right = write(tmp_path / "right", {f"right_{n}.py": function(f"order_right_{n}") for n in range(5)})
    adapters = {left: make_adapter(seed=11), right: make_adapter(seed=12)}

    def configure(editor: Editor) -> None:
        for folder, adapter in adapters.items():
            editor.set_configuration(
                {
                    "embeddings": {"huggingface": {"loraAdapterPath": str(adapter), "device": None}},
                    "indexing": {"exclude": [f"{folder.name}_4.py"]},
                },
                section="codecontext",
                scope_uri=folder.as_uri(),
            )

    async with opened(left, right, can=PULLS, prepare=configure) as editor:
        status = await editor.status_that(
            lambda status: is_settled(status) and all(folder["adapter"] for folder in status["folders"])
        )
        for folder, adapter in adapters.items():
            shown = by_name(status)[folder.name]
            assert shown["currentAdapterPath"] == str(adapter)
            assert shown["files"] == 4
        answer = await editor.search("order goods", limit=50)
        assert {state["folder"]: state["fingerprint"] for state in answer["states"]} == {
            folder.as_uri(): inspect_adapter(adapter).fingerprint for folder, adapter in adapters.items()
        }
        assert len({state["space"] for state in answer["states"]}) == 2
        assert len(paths(answer)) == 8
