"""The workspace as the editor changes it: folders, settings, documents and files."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence

from lsprotocol import types
from pygls.capabilities import get_capability
from pygls.exceptions import JsonRpcException

from codecontext.lsp.configuration import SECTION
from codecontext.lsp.folders import Folders, path_of
from codecontext.lsp.server import CodeContextServer, NoAnswer
from codecontext.rpc.messages import EngineState

logger = logging.getLogger(__name__)

_FILES_REGISTRATION = "codecontext-files"
_SETTINGS = "settings"
_WATCHING = "watching"


def register(server: CodeContextServer) -> None:
    """Add the handlers. None of them is a coroutine: pygls would run those out of order."""

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def folders_changed(_params: types.DidChangeWorkspaceFoldersParams) -> None:
        open_folders(server)
        server.run(_folders_changed(server))

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    def settings_changed(params: types.DidChangeConfigurationParams) -> None:
        server.configuration.push(params.settings)
        server.run(_settings_changed(server))

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(_params: types.DidOpenTextDocumentParams) -> None:
        # Open files are embedded before the rest; an engine with nothing to do need not know.
        if server.engine.state is EngineState.BUSY:
            server.run(server.apply_folders())

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(_params: types.DidCloseTextDocumentParams) -> None:
        """Pygls forgets the document."""

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(params: types.DidSaveTextDocumentParams) -> None:
        _files_changed(server, [params.text_document.uri])

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def files_changed(params: types.DidChangeWatchedFilesParams) -> None:
        _files_changed(server, [change.uri for change in params.changes])


def open_folders(server: CodeContextServer) -> None:
    """Use the folders that the editor has open now."""
    workspace = server.workspace
    folders = [(folder.uri, folder.name) for folder in workspace.folders.values()]
    if not folders and workspace.root_uri is not None:
        folders = [(workspace.root_uri, "")]
    server.folders = Folders(folders)


async def pull_settings(server: CodeContextServer) -> None:
    """Request the settings of each folder from the editor, if it supports that."""
    folders = list(server.folders)
    if not folders or not get_capability(server.client_capabilities, "workspace.configuration", False):
        return
    items = [types.ConfigurationItem(scope_uri=folder.uri, section=SECTION) for folder in folders]
    asked = server.workspace_configuration_async(types.ConfigurationParams(items))
    try:
        answers = await server.ask_editor(types.WORKSPACE_CONFIGURATION, asked)
    except NoAnswer as error:
        server.report_problem(
            _SETTINGS, f"The editor did not send its settings: {error.message}. The previous ones stay in force."
        )
        return
    except JsonRpcException as error:
        logger.warning("The editor did not send its settings: %s", error.message)
        return
    if not isinstance(answers, Sequence) or isinstance(answers, str):
        server.report_problem(
            _SETTINGS, f"The editor responded to {types.WORKSPACE_CONFIGURATION} with something other than an array."
        )
        return
    server.settled(_SETTINGS)
    for folder, settings in zip(folders, answers, strict=False):
        server.configuration.pull(folder, settings)


async def watch_files(server: CodeContextServer) -> None:
    """Watch for changed files: through the editor if it can, else with our own watcher."""
    watched = "workspace.did_change_watched_files"
    if get_capability(server.client_capabilities, f"{watched}.dynamic_registration", False):
        relative = get_capability(server.client_capabilities, f"{watched}.relative_pattern_support", False)
        patterns: Iterable[str | types.RelativePattern] = (
            [types.RelativePattern(folder.uri, "**/*") for folder in server.folders] if relative else ["**/*"]
        )
        if await _register_watchers(server, [types.FileSystemWatcher(pattern) for pattern in patterns]):
            return
    if server.watching is not None:
        await server.watching.watch_files()


async def _register_watchers(server: CodeContextServer, watchers: list[types.FileSystemWatcher]) -> bool:
    registration = types.Registration(
        id=_FILES_REGISTRATION,
        method=types.WORKSPACE_DID_CHANGE_WATCHED_FILES,
        register_options=types.DidChangeWatchedFilesRegistrationOptions(watchers),
    )
    old = types.Unregistration(_FILES_REGISTRATION, types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    try:
        if server.watches_through_editor:
            forgotten = server.client_unregister_capability_async(types.UnregistrationParams([old]))
            await server.ask_editor(types.CLIENT_UNREGISTER_CAPABILITY, forgotten)
        registered = server.client_register_capability_async(types.RegistrationParams([registration]))
        await server.ask_editor(types.CLIENT_REGISTER_CAPABILITY, registered)
    except NoAnswer as error:
        server.report_problem(_WATCHING, f"The editor may not watch files, so the server does: {error.message}.")
        return False
    except JsonRpcException as error:
        logger.warning("The editor does not watch files, so the server does: %s", error.message)
        return False
    server.watches_through_editor = True
    server.settled(_WATCHING)
    return True


async def _folders_changed(server: CodeContextServer) -> None:
    await asyncio.gather(
        server.attempt("Requesting settings", pull_settings),
        server.attempt("Watching files", watch_files),
    )
    await server.apply_folders()


async def _settings_changed(server: CodeContextServer) -> None:
    await server.attempt("Requesting settings", pull_settings)
    await server.apply_folders()


def _files_changed(server: CodeContextServer, uris: Iterable[str]) -> None:
    changed: defaultdict[str, list[str]] = defaultdict(list)
    for uri in uris:
        if (path := path_of(uri)) is not None:
            for folder, relative in server.folders.all_holding(path):
                changed[folder.key].append(relative)
    for key, paths in changed.items():
        server.changed_files.add(key, paths)
