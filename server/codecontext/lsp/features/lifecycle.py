"""From ``initialize`` to ``shutdown``: the editor's capabilities, its settings, when the engine starts and ends."""

from __future__ import annotations

import asyncio
import logging
import time

from lsprotocol import types
from pygls.capabilities import get_capability
from pygls.exceptions import JsonRpcException

from codecontext.lsp.configuration import SECTION
from codecontext.lsp.editor_process import find_editor
from codecontext.lsp.features import symbols
from codecontext.lsp.features.workspace import open_folders, pull_settings, watch_files
from codecontext.lsp.options import read_options
from codecontext.lsp.server import INITIALIZED_SECONDS, CodeContextServer, NoAnswer

logger = logging.getLogger(__name__)

_SETTINGS_REGISTRATION = "codecontext-settings"
_SET_UP_SECONDS = 10.0


def register(server: CodeContextServer) -> None:
    """Add the handlers."""

    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        """Answered at once: everything slow waits for ``initialized``."""
        server.initialized_by = time.monotonic() + INITIALIZED_SECONDS
        server.options, problems = read_options(params.initialization_options)
        if problems:
            server.report_problem("options", " ".join(problems))
        server.editor_process = find_editor(params.process_id)
        if params.process_id is not None and server.editor_process is None:
            logger.info(
                "Process %d cannot be the editor; the end of stdin will tell when the editor is gone.",
                params.process_id,
            )
        server.configuration.begin_with(server.options.settings)
        open_folders(server)
        if symbols.are_wanted(server, params.client_info):
            symbols.offer(server)

    @server.feature(types.INITIALIZED)
    def initialized(_params: types.InitializedParams) -> None:
        if server.begin():
            server.run(_set_up(server))

    @server.feature(types.SHUTDOWN)
    async def shutdown(_params: None) -> None:
        await server.end()


async def _set_up(server: CodeContextServer) -> None:
    """Get the settings before the engine starts, so that it starts with the right model."""
    parts = {
        "Requesting settings": pull_settings,
        "Subscribing to settings": _follow_settings,
        "Watching files": watch_files,
    }
    works = [asyncio.create_task(server.attempt(what, work)) for what, work in parts.items()]
    await asyncio.wait(works, timeout=_SET_UP_SECONDS)  # what takes longer continues beside the engine
    await server.apply_folders()
    await asyncio.gather(*works)


async def _follow_settings(server: CodeContextServer) -> None:
    dynamic = "workspace.did_change_configuration.dynamic_registration"
    if not get_capability(server.client_capabilities, dynamic, False):
        return
    registration = types.Registration(
        id=_SETTINGS_REGISTRATION,
        method=types.WORKSPACE_DID_CHANGE_CONFIGURATION,
        register_options=types.DidChangeConfigurationRegistrationOptions(section=SECTION),
    )
    asked = server.client_register_capability_async(types.RegistrationParams([registration]))
    try:
        await server.ask_editor(types.CLIENT_REGISTER_CAPABILITY, asked)
    except NoAnswer as error:
        server.report_problem("settings changes", f"The editor may not report changed settings: {error.message}.")
    except JsonRpcException as error:
        logger.warning("The editor will not report changed settings: %s", error.message)
