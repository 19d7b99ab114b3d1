"""LSP's JSON-RPC with pygls, made to answer whatever arrives: what cannot be read is refused, never left unanswered."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any

import attrs
from cattrs import transform_error
from lsprotocol import types
from lsprotocol.types import ResponseError
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInvalidParams,
    JsonRpcInvalidRequest,
    JsonRpcParseError,
    JsonRpcServerNotInitialized,
)
from pygls.protocol import LanguageServerProtocol

from codecontext.engine.transport import PlainMessage, PlainNotification
from codecontext.lsp.errors import MOST_PROBLEMS, short
from codecontext.lsp.protocol import Method

logger = logging.getLogger(__name__)

_REQUESTS = frozenset(Method) - {Method.STATUS_CHANGED}


class ServerProtocol(LanguageServerProtocol):
    """The server's end. Our own messages stay plain; their parameters are checked by who handles them."""

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
        """Handle a whole message as JSON has it; refuse what is none, or comes at the wrong time (LSP 3.17)."""
        if not isinstance(message, dict) or message.get("jsonrpc") != self.VERSION:
            self._refuse(_id_of(message), JsonRpcInvalidRequest("A message is an object of JSON-RPC 2.0."))
        elif "method" in message and not isinstance(message["method"], str):
            self._refuse(_id_of(message), JsonRpcInvalidRequest("The method of a message is text."))
        elif "method" in message and "id" in message:
            self._take_request(message)
        elif "method" in message:
            self._take_notification(message)
        elif isinstance(message.get("id"), str):  # all our requests have text for their id
            self._take_response(message)
        else:
            logger.debug("A response to no request of ours was dropped.")

    def _take_request(self, message: dict[str, Any]) -> None:
        request_id, method = _id_of(message), message["method"]
        if request_id is None:
            self._refuse(None, JsonRpcInvalidRequest("The id of a request is text or a whole number."))
        elif self._shutdown:
            self._refuse(request_id, JsonRpcInvalidRequest("The server is shutting down."))
        elif self._workspace is None and method != types.INITIALIZE:
            self._refuse(request_id, JsonRpcServerNotInitialized(f"{method} came before initialize."))
        elif self._workspace is not None and method == types.INITIALIZE:
            self._refuse(request_id, JsonRpcInvalidRequest("initialize came a second time."))
        elif self._is_notification(method):
            self._refuse(request_id, JsonRpcInvalidRequest(f"{method} is a notification, so it has no id."))
        else:
            try:
                structured = super().structure_message(message)
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
            logger.debug("The notification %s was dropped.", method)
            return
        try:
            structured = super().structure_message(message)
        except JsonRpcException as error:
            logger.warning("%s", _invalid(method, error).message)
        else:
            super().handle_message(structured)

    def _take_response(self, message: dict[str, Any]) -> None:
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
        """Say that a body was no JSON at all."""
        self._refuse(None, JsonRpcParseError("The body of a message is JSON in UTF-8."))

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
    """The fault with the fields that are wrong, as cattrs tells them."""
    cause = error.__cause__
    told = transform_error(cause, path="message") if cause is not None else [error.message]
    problems = [short(problem) for problem in told[:MOST_PROBLEMS]]
    return JsonRpcInvalidParams(f"{method}: {'; '.join(problems)}", data={"problems": problems})
