"""JSON-RPC between language server and service, with pygls' classes: plain values in, plain values out."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
from lsprotocol.types import CANCEL_REQUEST, CancelNotification
from pygls.protocol import JsonRPCProtocol

from codecontext.core import errors
from codecontext.core.errors import CodeContextError
from codecontext.rpc.messages import Method

REQUEST_FAILED = -32803
NOTIFICATIONS = frozenset({Method.FILES_CHANGED, Method.ADAPTER_TOUCHED, Method.FOLDER_CHANGED})


@attrs.define
class PlainMessage:
    """A request or notification whose parameters are left as JSON has them."""

    method: str
    jsonrpc: str
    params: Any = None
    id: Any = None


@attrs.define
class PlainNotification:
    """A notification whose parameters are left as JSON has them."""

    method: str
    jsonrpc: str
    params: Any = None


@attrs.define
class PlainResponse:
    """A response whose result is left as JSON has it."""

    id: Any
    jsonrpc: str
    result: Any = None


class EngineProtocol(JsonRPCProtocol):
    """What both ends of the connection speak."""

    notifications: ClassVar[frozenset[str]] = NOTIFICATIONS

    def get_message_type(self, method: str) -> type[Any] | None:
        """Our own messages stay plain JSON."""
        if method == CANCEL_REQUEST:
            return CancelNotification
        return PlainNotification if method in self.notifications else PlainMessage

    def get_result_type(self, method: str) -> type[Any] | None:  # noqa: ARG002 - the base class's signature
        """Results stay plain JSON."""
        return PlainResponse


def error_data(error: CodeContextError) -> dict[str, str]:
    """An error as it goes over the wire."""
    return {"kind": type(error).__name__, "message": error.message, "hint": error.hint}


def error_from(data: Any, message: str) -> CodeContextError:
    """The error that ``error_data`` described; a plain one if it is not one of ours."""
    if isinstance(data, dict):
        kind = getattr(errors, str(data.get("kind")), None)
        if isinstance(kind, type) and issubclass(kind, CodeContextError):
            return kind(str(data.get("message", message)), str(data.get("hint", "")))
    return CodeContextError(message)
