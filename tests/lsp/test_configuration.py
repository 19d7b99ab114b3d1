"""Settings from the editor: with the first message, pushed and pulled; what is wrong is said and changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from lsprotocol import types

from codecontext.adapters import inspect_adapter
from codecontext.lsp.protocol import Method
from lsp.client import Editor, Json, is_settled, opened, paths, write

pytestmark = pytest.mark.asyncio(loop_scope="module")

FILES = {f"{name}.py": f"def {name}(goods):\n    return sorted(goods)\n" for name in ("alpha", "beta", "gamma")}
WITHOUT_GAMMA = {"indexing": {"exclude": ["gamma.py"]}}


def has_files(number: int) -> Callable[[Json], bool]:
    return lambda status: is_settled(status) and status["folders"][0]["files"] == number


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pushed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Editor, Path]]:
    """A server that was told its settings with the first message, and is told of changes."""
    folder = write(tmp_path_factory.mktemp("pushed") / "shop", FILES)
    async with opened(folder, settings=WITHOUT_GAMMA) as editor:
        await editor.status_that(has_files(2))
        yield editor, folder


async def push(editor: Editor, settings: Json, reached: Callable[[Json], bool]) -> Json:
    """Push settings and wait for a status, which may be the last one if they change nothing."""
    seen = len(editor.statuses)
    editor.configure(settings)
    return await editor.status_that(reached, after=max(0, seen - 1))


async def test_the_first_settings_are_in_force(pushed: tuple[Editor, Path]) -> None:
    editor, _folder = pushed
    assert set(paths(await editor.search("goods"))) == {"alpha.py", "beta.py"}


async def test_pushed_settings_take_the_place_of_those_before(pushed: tuple[Editor, Path]) -> None:
    editor, _folder = pushed
    await push(editor, {"search": {"limit": 1}}, has_files(3))
    assert len((await editor.search("goods"))["hits"]) == 1
    await push(editor, WITHOUT_GAMMA, has_files(2))
    assert len((await editor.search("goods"))["hits"]) == 2


async def test_names_may_be_as_editors_write_them(pushed: tuple[Editor, Path]) -> None:
    editor, folder = pushed
    write(folder, {"delta.py": "x = 1\n" * 100})
    await push(editor, {"indexing": {"maxFileBytes": 200, "respectGitignore": False}}, has_files(3))
    status = await push(editor, {"indexing": {"max_file_bytes": 2000}}, has_files(4))
    assert status["health"] == "ok"
    (folder / "delta.py").unlink()


async def test_unset_values_are_left_to_other_places(pushed: tuple[Editor, Path]) -> None:
    editor, folder = pushed
    write(folder, {".codecontext.toml": '[indexing]\nexclude = ["beta.py", ".codecontext.toml"]\n'})
    unset = {"indexing": {"exclude": None, "include": None}, "embeddings": None}
    status = await push(editor, unset, has_files(2))
    assert status["health"] == "ok"
    (folder / ".codecontext.toml").unlink()
    editor.watched({folder / ".codecontext.toml": types.FileChangeType.Deleted})
    await editor.status_that(has_files(3))


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"search": {"limit": "many"}}, "search.limit"),
        ({"search": {"limit": 0}}, "search.limit"),
        ({"indexing": {"exclude": 5}}, "indexing.exclude"),
        ({"indexing": "everything"}, "indexing"),
        ({"embeddings": {"huggingface": {"backend": "abacus"}}}, "embeddings.huggingface.backend"),
        ({"serach": {"limit": 5}}, "serach"),
        ({"search": {"limits": 5}}, "search.limits"),
    ],
    ids=str,
)
async def test_a_wrong_value_is_named_and_the_last_good_go_on(
    pushed: tuple[Editor, Path], settings: Json, named: str
) -> None:
    editor, _folder = pushed
    await push(editor, WITHOUT_GAMMA | {"search": {"limit": 1}}, has_files(2))
    status = await push(editor, settings, lambda status: status["health"] == "error")
    assert named in status["message"]
    assert "last good" in status["message"]
    assert len((await editor.search("goods"))["hits"]) == 1
    status = await push(editor, {"search": {"limit": 2}}, has_files(3))
    assert (status["health"], status["message"]) == ("ok", "")
    assert len((await editor.search("goods"))["hits"]) == 2


@pytest.mark.parametrize("settings", [None, 5, "text", [], {}, {"codecontext": None}, {"codecontext": []}], ids=str)
async def test_settings_that_are_none_change_nothing(pushed: tuple[Editor, Path], settings: Any) -> None:
    editor, _folder = pushed
    await push(editor, WITHOUT_GAMMA, has_files(2))
    seen = len(editor.statuses)
    editor.workspace_did_change_configuration(types.DidChangeConfigurationParams(settings=settings))
    assert len((await editor.search("goods"))["hits"]) == 2
    assert all(status["health"] == "ok" for status in editor.statuses[seen:])


async def test_the_workspace_folder_stands_in_a_path(
    pushed: tuple[Editor, Path], make_adapter: Callable[..., Path]
) -> None:
    editor, folder = pushed
    adapter = make_adapter(seed=21)
    inside = folder / ".codecontext" / "adapters" / "team"
    inside.parent.mkdir(parents=True)
    adapter.rename(inside)
    settings = {"embeddings": {"huggingface": {"loraAdapterPath": "${workspaceFolder}/.codecontext/adapters/team"}}}
    status = await push(editor, settings, lambda status: is_settled(status) and bool(status["folders"][0]["adapter"]))
    assert status["folders"][0]["currentAdapterPath"] == str(inside)

    damaged = inside.with_name("damaged")
    write(damaged, {"adapter_config.json": "{}"})
    found = (await editor.ask(Method.ADAPTERS))["adapters"]
    by_path = {Path(item["path"]).name: item for item in found}
    assert by_path["team"]["active"]
    assert by_path["team"]["problem"] == ""
    assert by_path["team"]["fingerprint"] == inspect_adapter(inside).fingerprint
    assert not by_path["damaged"]["active"]
    assert by_path["damaged"]["problem"]
    assert await editor.command("adapters", {"folder": folder.as_uri()}) == {"adapters": found}
    await push(
        editor, {"search": {"limit": 2}}, lambda status: is_settled(status) and not status["folders"][0]["adapter"]
    )


# -- pulled ------------------------------------------------------------------------------------------------------


async def test_pulled_settings_and_a_change_that_is_only_announced(tmp_path: Path) -> None:
    folder = write(tmp_path / "shop", FILES)
    can = types.ClientCapabilities(
        workspace=types.WorkspaceClientCapabilities(
            configuration=True,
            did_change_configuration=types.DidChangeConfigurationClientCapabilities(dynamic_registration=True),
        )
    )

    def configure(editor: Editor) -> None:
        editor.set_configuration(WITHOUT_GAMMA, section="codecontext")

    async with opened(folder, can=can, settings={"indexing": {"exclude": ["*"]}}, prepare=configure) as editor:
        await editor.status_that(has_files(2))
        (registration,) = editor.registered.values()
        assert registration.method == types.WORKSPACE_DID_CHANGE_CONFIGURATION

        editor.set_configuration({"indexing": {"exclude": None}}, section="codecontext")
        seen = len(editor.statuses)
        editor.workspace_did_change_configuration(types.DidChangeConfigurationParams(settings=None))
        await editor.status_that(has_files(3), after=seen)

        editor.refused.add(types.WORKSPACE_CONFIGURATION)  # what was heard last stays in force
        editor.workspace_did_change_configuration(types.DidChangeConfigurationParams(settings=None))
        await editor.until(lambda: editor.requested.count(types.WORKSPACE_CONFIGURATION) == 3)
        assert len((await editor.search("goods"))["hits"]) == 3


# -- elsewhere ---------------------------------------------------------------------------------------------------


async def test_a_change_of_the_users_file_is_noticed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    folder = write(tmp_path / "shop", FILES)
    async with opened(folder, environment={"CODECONTEXT_HOME": str(home)}) as editor:
        await editor.status_that(has_files(3))
        write(home, {"config.yaml": 'indexing:\n  exclude: ["gamma.py"]\n'})
        await editor.status_that(has_files(2))
        seen = len(editor.statuses)
        write(home, {"config.yaml": "indexing:\n  exclude: 5\n"})
        status = await editor.status_that(lambda status: status["health"] == "error", after=seen)
        assert str(home / "config.yaml") in status["message"]
        (home / "config.yaml").unlink()
        await editor.status_that(lambda status: has_files(3)(status) and status["health"] == "ok")


async def test_a_folder_that_is_not_trusted_chooses_no_adapter(
    tmp_path: Path, make_adapter: Callable[..., Path]
) -> None:
    toml = f'[embeddings.huggingface]\nlora_adapter_path = "{make_adapter(seed=22)}"\n'
    folder = write(tmp_path / "shop", FILES | {".codecontext.toml": toml})
    async with opened(folder, options={"trusted": False}) as editor:
        status = await editor.settled()
        assert status["folders"][0]["wantedAdapterPath"] is None
        assert status["folders"][0]["adapter"] is None
        assert any("trusted" in notice for notice in status["folders"][0]["notices"])
