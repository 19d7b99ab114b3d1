"""From ``initialize`` to ``shutdown``: what the editor can do, what we ask of it, when the engine starts and ends."""

from __future__ import annotations

import asyncio
import logging

from lsprotocol import types
from pydantic import ValidationError
from pygls.capabilities import get_capability
from pygls.exceptions import JsonRpcException

from codecontext.lsp.configuration import SECTION
from codecontext.lsp.features import symbols
from codecontext.lsp.features.workspace import open_folders, pull_settings, watch_files
from codecontext.lsp.protocol import InitializationOptions
from codecontext.lsp.server import CodeContextServer

logger = logging.getLogger(__name__)

_SETTINGS_REGISTRATION = "codecontext-settings"


def register(server: CodeContextServer) -> None:
    """Add the handlers."""

    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        """Answered at once: all that takes time comes with ``initialized``."""
        server.options = _options(params.initialization_options)
        server.configuration.begin_with(server.options.settings)
        open_folders(server)
        if symbols.are_wanted(server, params.client_info):
            symbols.offer(server)

    @server.feature(types.INITIALIZED)
    def initialized(_params: types.InitializedParams) -> None:
        server.begin()
        server.run(_set_up(server))

    @server.feature(types.SHUTDOWN)
    async def shutdown(_params: None) -> None:
        await server.end()


async def _set_up(server: CodeContextServer) -> None:
    """Hear the settings before the engine starts, so that it begins with the right model."""
    await asyncio.gather(_follow_settings(server), watch_files(server))
    await server.apply_folders()


async def _follow_settings(server: CodeContextServer) -> None:
    await pull_settings(server)
    dynamic = "workspace.did_change_configuration.dynamic_registration"
    if get_capability(server.client_capabilities, dynamic, False):
        registration = types.Registration(
            id=_SETTINGS_REGISTRATION,
            method=types.WORKSPACE_DID_CHANGE_CONFIGURATION,
            register_options=types.DidChangeConfigurationRegistrationOptions(section=SECTION),
        )
        try:
            await server.client_register_capability_async(types.RegistrationParams([registration]))
        except JsonRpcException as error:
            logger.warning("The editor will not tell of changed settings: %s", error.message)


def _options(said: object) -> InitializationOptions:
    """What the editor sent; options that make no sense are said and left out, so that it can start all the same."""
    try:
        return InitializationOptions.model_validate(said or {})
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        logger.error("The initialization options are ignored: %s", faults)
        return InitializationOptions()
