"""What goes over the wire between language server and engine arrives as it was."""

from __future__ import annotations

import json

import pytest
from lsprotocol.types import CANCEL_REQUEST
from pygls.protocol import default_converter
from pygls.server import JsonRPCServer

from codecontext.core import errors
from codecontext.core.errors import CodeContextError, ConfigError
from codecontext.rpc.messages import Method
from codecontext.rpc.transport import EngineProtocol, PlainMessage, PlainNotification, error_data, error_from

ALL_ERRORS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, CodeContextError)]


@pytest.fixture
def protocol() -> EngineProtocol:
    return JsonRPCServer(EngineProtocol, default_converter).protocol  # type: ignore[return-value]


def received(protocol: EngineProtocol, message: dict[str, object]) -> object:
    return json.loads(json.dumps(message), object_hook=protocol.structure_message)


@pytest.mark.parametrize("kind", ALL_ERRORS)
def test_each_error_keeps_its_kind_and_both_sentences(kind: type[CodeContextError]) -> None:
    error = error_from(json.loads(json.dumps(error_data(kind("Wrong.", "Right.")))), "lost")
    assert type(error) is kind
    assert (error.message, error.hint) == ("Wrong.", "Right.")


@pytest.mark.parametrize("data", [None, "text", {}, {"kind": "Path"}, {"kind": "nonsense"}, {"kind": 3}])
def test_what_is_none_of_our_errors_keeps_its_message(data: object) -> None:
    error = error_from(data, "The engine failed.")
    assert type(error) is CodeContextError
    assert str(error) == "The engine failed."


def test_an_error_without_a_hint() -> None:
    assert str(error_from({"kind": "ConfigError", "message": "Wrong."}, "")) == str(ConfigError("Wrong."))


def test_parameters_stay_plain(protocol: EngineProtocol) -> None:
    params = {"folder": "/a", "editor": {"method": "x", "nested": [1, None, "é"]}}
    request = received(protocol, {"jsonrpc": "2.0", "id": "1", "method": Method.CONFIGURE, "params": params})
    assert isinstance(request, PlainMessage)
    assert request.params == params
    notice = received(protocol, {"jsonrpc": "2.0", "method": Method.FILES_CHANGED, "params": params})
    assert isinstance(notice, PlainNotification)
    assert notice.params == params


def test_cancelling_names_the_request(protocol: EngineProtocol) -> None:
    notice = received(protocol, {"jsonrpc": "2.0", "method": CANCEL_REQUEST, "params": {"id": "7"}})
    assert notice.params.id == "7"  # type: ignore[attr-defined]
