"""From ``initialize`` to the end of the process."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pytest_lsp import client_capabilities

from codecontext import __version__
from codecontext.lsp.protocol import Method
from codecontext.lsp.status import NO_FOLDER
from lsp.client import Editor, Json, capabilities, ended, opened, started, symbols


def initialize_params(**more: object) -> types.InitializeParams:
    return types.InitializeParams(capabilities=types.ClientCapabilities(), process_id=os.getpid(), **more)


def has_engine(status: Json) -> bool:
    return status["engine"]["pid"] is not None


async def initialized(editor: Editor, params: types.InitializeParams) -> types.InitializeResult:
    return await asyncio.wait_for(editor.initialize_session(params), 60)


async def test_a_client_that_can_do_little_and_sends_no_options_is_served(project: Path) -> None:
    async with opened(project, can=client_capabilities("neovim@v0.7.0"), client="Neovim") as editor:
        await editor.settled()
        assert symbols(await editor.search("hold_lock"))[0] == "hold_lock"
        assert types.CLIENT_REGISTER_CAPABILITY not in editor.requested


async def test_a_client_that_can_do_everything_is_served(project: Path) -> None:
    vscode = capabilities("visual-studio-code")
    async with opened(project, can=vscode, client="Visual Studio Code", options={"trusted": True}) as editor:
        await editor.settled()
        assert symbols(await editor.search("hold_lock"))[0] == "hold_lock"
        methods = {registration.method for registration in editor.registered.values()}
        assert methods == {
            types.WORKSPACE_DID_CHANGE_CONFIGURATION,
            types.WORKSPACE_DID_CHANGE_WATCHED_FILES,
        }
        assert editor.requested.count(types.WORKSPACE_CONFIGURATION) == 1


async def test_initialize_says_what_the_server_can() -> None:
    async with started() as editor:
        result = await initialized(editor, initialize_params())
        assert result.server_info == types.ServerInfo("codecontext", __version__)
        can = result.capabilities
        assert can.position_encoding == types.PositionEncodingKind.Utf16
        assert can.workspace is not None
        assert can.workspace.workspace_folders == types.WorkspaceFoldersServerCapabilities(True, True)
        assert can.execute_command_provider is not None
        assert sorted(can.execute_command_provider.commands) == sorted(
            f"codecontext.server.{name}"
            for name in (
                *("search", "findSimilar", "status", "adapters", "reloadAdapter"),
                *("reindex", "pause", "resume", "skipped", "opened"),
            )
        )


async def test_initialize_a_second_time_is_refused() -> None:
    async with started() as editor:
        await initialized(editor, initialize_params())
        with pytest.raises(JsonRpcException, match="a second time"):
            await editor.ask(types.INITIALIZE, initialize_params())
        assert (await editor.ask(Method.STATUS))["version"] == __version__


async def test_a_request_before_initialize_is_refused() -> None:
    async with started() as editor:
        editor.capabilities = types.ClientCapabilities()
        with pytest.raises(JsonRpcException, match="was sent before initialize") as refusal:
            await editor.ask(Method.STATUS)
        assert refusal.value.code == types.ErrorCodes.ServerNotInitialized
        await initialized(editor, initialize_params())
        assert (await editor.ask(Method.STATUS))["version"] == __version__


async def test_a_request_after_shutdown_is_refused() -> None:
    async with started() as editor:
        await initialized(editor, initialize_params())
        await asyncio.wait_for(editor.shutdown_async(None), 60)
        with pytest.raises(JsonRpcException, match="shutting down") as refusal:
            await editor.ask(Method.STATUS)
        assert refusal.value.code == types.ErrorCodes.InvalidRequest
        editor.exit(None)
        await asyncio.wait_for(editor.gone.wait(), 60)
        assert editor._server is not None
        assert editor._server.returncode == 0


async def test_exit_without_shutdown_ends_with_one() -> None:
    async with started() as editor:
        await initialized(editor, initialize_params())
        editor.exit(None)
        await asyncio.wait_for(editor.gone.wait(), 60)
        assert editor._server is not None
        assert editor._server.returncode == 1


@pytest.mark.parametrize("spelling", ["root_uri", "root_path"])
async def test_a_root_is_served_where_there_are_no_workspace_folders(project: Path, spelling: str) -> None:
    root = project.as_uri() if spelling == "root_uri" else str(project)
    async with started() as editor:
        await initialized(editor, initialize_params(**{spelling: root}))
        status = await editor.status_that(has_engine)
        assert [folder["uri"] for folder in status["folders"]] == [project.as_uri()]


async def test_no_folder_needs_no_engine_and_says_so() -> None:
    async with opened() as editor:
        status = await editor.status_that(lambda status: True)
        assert status["message"] == NO_FOLDER
        assert status["engine"]["pid"] is None
        assert (await editor.search("lock"))["message"] == NO_FOLDER


async def test_a_folder_that_is_not_on_disk_is_left_out(project: Path) -> None:
    async with started() as editor:
        remote = types.WorkspaceFolder("vscode-remote://ssh-remote+host/home/user/shop", "remote")
        here = types.WorkspaceFolder(project.as_uri(), "here")
        await initialized(editor, initialize_params(workspace_folders=[remote, here]))
        status = await editor.status_that(has_engine)
        assert [folder["name"] for folder in status["folders"]] == ["here"]


async def test_closed_stdin_ends_server_and_engine(project: Path) -> None:
    async with opened(project) as editor:
        await editor.status_that(has_engine)
        processes = editor.process.children(recursive=True)
        assert editor._server is not None
        assert editor._server.stdin is not None
        editor._server.stdin.close()
        await asyncio.wait_for(editor.gone.wait(), 60)
        for process in processes:
            await ended(process.pid)


async def test_a_killed_server_takes_its_engine_along(project: Path) -> None:
    async with opened(project) as editor:
        await editor.status_that(has_engine)
        processes = editor.process.children(recursive=True)
        editor.process.kill()
        await asyncio.wait_for(editor.gone.wait(), 60)
        for process in processes:
            await ended(process.pid)


async def test_the_server_ends_when_the_editor_is_gone(project: Path) -> None:
    stand_in = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        async with started() as editor:
            folders = [types.WorkspaceFolder(project.as_uri(), "shop")]
            params = initialize_params(workspace_folders=folders)
            params.process_id = stand_in.pid
            await initialized(editor, params)
            await editor.status_that(has_engine)
            processes = editor.process.children(recursive=True)
            stand_in.communicate(b"\n", timeout=60)
            await asyncio.wait_for(editor.gone.wait(), 60)
            for process in processes:
                await ended(process.pid)
    finally:
        stand_in.kill()
        stand_in.wait()


async def test_the_model_is_in_another_process_that_ends_with_the_server(project: Path) -> None:
    async with opened(project) as editor:
        await editor.settled()
        processes = editor.process.children(recursive=True)
        loaded = {Path(region.path).name for region in editor.process.memory_maps()}
        assert not [name for name in loaded if "torch" in name or "openvino" in name or "tantivy" in name]
        engine = psutil.Process(editor.statuses[-1]["engine"]["pid"])
        assert any("tantivy" in Path(region.path).name for region in engine.memory_maps())
    for process in processes:
        await ended(process.pid)
