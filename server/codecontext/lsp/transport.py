"""LSP's JSON-RPC with pygls, made robust: what cannot be read is refused, never left without a response."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import attrs
from lsprotocol import types
from lsprotocol.types import ResponseError
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInvalidParams,
    JsonRpcInvalidRequest,
    JsonRpcParseError,
    JsonRpcServerNotInitialized,
)
from pygls.protocol import LanguageServerProtocol, lsp_method

from codecontext.lsp import buffers
from codecontext.lsp.errors import MAX_PROBLEMS, short
from codecontext.lsp.framing import FrameError
from codecontext.lsp.lenient import problems_of, read_leniently
from codecontext.lsp.protocol import Method
from codecontext.rpc.transport import PlainMessage, PlainNotification

logger = logging.getLogger(__name__)

_REQUESTS = frozenset(Method) - {Method.STATUS_CHANGED}
_WITHOUT_PARAMETERS: dict[str, Any] = {types.INITIALIZED: {}, types.SHUTDOWN: None, types.EXIT: None}
"""Messages whose arrival is all that matters, and what their parameters are replaced by."""
_TURNING_POINTS = frozenset({types.INITIALIZED, types.EXIT})
"""Notifications that are obeyed even with an id, which makes them invalid requests: nothing works without them."""
_LENIENTLY_READ = frozenset(
    {types.INITIALIZE, types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, types.WORKSPACE_DID_CHANGE_WATCHED_FILES}
)
"""Messages whose parts are independent, so that those that can be read count."""


class ServerProtocol(LanguageServerProtocol):
    """The server's end. Our own messages stay plain JSON; their handlers check the parameters."""

    report_problem: Callable[[str, str], None]
    """Shows in the status what was left out: about what, and a sentence. Set by the server."""

    @lru_cache  # noqa: B019 - one protocol lives as long as its process
    def get_message_type(self, method: str) -> type[Any] | None:
        """Types of lsprotocol, or plain ones for our own messages."""
        if method in _REQUESTS:
            return PlainMessage
        if method == Method.STATUS_CHANGED:
            return PlainNotification
        found: type[Any] | None = super().get_message_type(method)
        return found

    def structure_message(self, data: dict[str, Any]) -> Any:
        """Leave what was read as it is: this is called for every object, also for those inside a message."""
        return data

    def handle_message(self, message: Any) -> None:
        """Handle a message as plain JSON; refuse what is none, or arrives at the wrong time (LSP 3.17)."""
        if not isinstance(message, dict) or message.get("jsonrpc") != self.VERSION:
            self._refuse(_id_of(message), JsonRpcInvalidRequest("A message must be a JSON-RPC 2.0 object."))
        elif "method" in message and not isinstance(message["method"], str):
            self._refuse(_id_of(message), JsonRpcInvalidRequest("The method of a message must be a string."))
        elif "method" in message and "id" in message:
            self._take_request(message)
        elif "method" in message:
            self._take_notification(message)
        elif isinstance(message.get("id"), str):  # all our requests have strings for ids
            self._take_response(message)
        else:
            logger.debug("Dropped a response that belongs to no request of ours.")

    def _take_request(self, message: dict[str, Any]) -> None:
        request_id, method = _id_of(message), message["method"]
        if request_id is None:
            self._refuse(None, JsonRpcInvalidRequest("The id of a request must be a string or an integer."))
        elif self._shutdown:
            self._refuse(request_id, JsonRpcInvalidRequest("The server is shutting down."))
        elif self._workspace is None and method != types.INITIALIZE:
            self._refuse(request_id, JsonRpcServerNotInitialized(f"{method} was sent before initialize."))
        elif self._workspace is not None and method == types.INITIALIZE:
            self._refuse(request_id, JsonRpcInvalidRequest("initialize was sent a second time."))
        elif self._is_notification(method):
            self._refuse(request_id, JsonRpcInvalidRequest(f"{method} is a notification, so it must not have an id."))
            if method in _TURNING_POINTS:
                self._take_notification({name: value for name, value in message.items() if name != "id"})
        else:
            try:
                structured = self._read(message)
            except JsonRpcException as error:
                self._refuse(request_id, _invalid(method, error))
            else:
                super().handle_message(structured)

    def _is_notification(self, method: str) -> bool:
        message_type = self.get_message_type(method)
        return message_type is not None and "id" not in attrs.fields_dict(message_type)

    def _take_notification(self, message: dict[str, Any]) -> None:
        method = message["method"]
        if (self._workspace is None and method != types.EXIT) or method in _REQUESTS:
            logger.debug("Dropped the notification %s.", method)
            return
        try:
            structured = self._read(message)
        except JsonRpcException as error:
            logger.warning("%s", _invalid(method, error).message)
            if method == types.TEXT_DOCUMENT_DID_CHANGE:
                buffers.forget(self.workspace, message)
        else:
            super().handle_message(structured)

    def _read(self, message: dict[str, Any]) -> Any:
        """A message with the types of lsprotocol. Raises ``JsonRpcException``."""
        method = message["method"]
        if method in _WITHOUT_PARAMETERS:
            message = message | {"params": _WITHOUT_PARAMETERS[method]}
        message = _with_usual_parts(message)
        if method not in _LENIENTLY_READ:
            return super().structure_message(message)
        structured, left_out = read_leniently(message, super().structure_message)
        if left_out:
            places = ", ".join(map(short, left_out[:MAX_PROBLEMS]))
            self.report_problem(f"read {method}", f"{method} cannot be read at {places}; that part is ignored.")
        return structured

    def _take_response(self, message: dict[str, Any]) -> None:
        waiting = self._request_futures.get(message["id"])
        if waiting is not None and waiting.done():
            del self._request_futures[message["id"]]
            logger.debug("Dropped a response that nobody is waiting for any more.")
            return
        try:
            structured = super().structure_message(message)
        except JsonRpcException as error:
            logger.warning("A response cannot be read: %s", _invalid("response", error).message)
            waiting = self._request_futures.pop(message["id"], None)
            if waiting is not None and not waiting.done():
                waiting.set_exception(error)
        else:
            super().handle_message(structured)

    def refuse_text(self) -> None:
        """Report that a body was not JSON at all."""
        self._refuse(None, JsonRpcParseError("The body of a message must be JSON in UTF-8."))

    def refuse_frame(self, error: FrameError) -> None:
        """Report that the header part of a message could not be read."""
        self._refuse(error.request_id, JsonRpcParseError(error.problem))

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: types.DidOpenTextDocumentParams) -> Any:
        """Track a document, unless it is too large."""
        if buffers.is_tracked(params.text_document.text):
            yield from super().lsp_text_document__did_open(params)
        else:
            self.workspace.remove_text_document(params.text_document.uri)

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        """Track the changes of a document."""
        buffers.change(self.workspace, params)

    def _refuse(self, request_id: int | str | None, error: JsonRpcException) -> None:
        logger.warning("A message was refused: %s", error.message)
        response = ResponseError(error.code, error.message, error.data)
        if request_id is not None:
            self._send_response(request_id, error=response)
        else:  # null, which pygls would leave out and VS Code's library then takes for no response at all
            self._send_data({"jsonrpc": self.VERSION, "id": None, "error": response})


def _id_of(message: Any) -> int | str | None:
    value = message.get("id") if isinstance(message, dict) else None
    return value if isinstance(value, int | str) and not isinstance(value, bool) else None


def _invalid(method: str, error: JsonRpcException) -> JsonRpcInvalidParams:
    """The error with the fields that are wrong, as cattrs reports them."""
    problems = [short(problem) for problem in problems_of(error)[:MAX_PROBLEMS]]
    return JsonRpcInvalidParams(f"{method}: {'; '.join(problems)}", data={"problems": problems})


def _with_usual_parts(message: dict[str, Any]) -> dict[str, Any]:
    """The message with parts that the protocol requires, some editors leave out, and the server can do without."""
    params = message.get("params")
    if message["method"] == types.WORKSPACE_DID_CHANGE_CONFIGURATION and not isinstance(params, dict):
        return message | {"params": {"settings": None}}  # something changed, and will be requested
    if not isinstance(params, dict):
        return message
    match message["method"]:
        case types.INITIALIZE:
            return message | {"params": params | _named_folders(params, "workspaceFolders")}
        case types.WORKSPACE_DID_CHANGE_CONFIGURATION:
            return message | {"params": {"settings": None} | params}
        case types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS if isinstance(event := params.get("event"), dict):
            named = _named_folders(event, "added") | _named_folders(event, "removed")
            return message | {"params": params | {"event": {"added": [], "removed": []} | named}}
        case types.TEXT_DOCUMENT_DID_OPEN | types.TEXT_DOCUMENT_DID_CHANGE:
            return message | {"params": buffers.with_usual_parts(params)}
        case _:
            return message


def _named_folders(params: dict[str, Any], member: str) -> dict[str, Any]:
    """The workspace folders in ``member``, where there are any, each with a name."""
    folders = params.get(member)
    if not isinstance(folders, list):
        return {}
    return {member: [{"name": ""} | folder if isinstance(folder, dict) else folder for folder in folders]}
