"""From our errors to JSON-RPC's."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams

from codecontext.core.errors import CodeContextError, QueryError
from codecontext.lsp.errors import as_responses, checked, invalid_field
from codecontext.lsp.protocol import FindSimilarParams, NoParams, SearchParams

METHOD = "codecontext/search"
REFUSALS = [kind for kind in CodeContextError.__subclasses__() if kind is not QueryError]


def response_to(error: BaseException) -> JsonRpcException:
    with pytest.raises(JsonRpcException) as caught, as_responses(METHOD):
        raise error
    return caught.value


@pytest.mark.parametrize("params", [None, {}, []], ids=["absent", "empty", "empty as Lua writes it"])
def test_no_parameters(params: Any) -> None:
    assert checked(NoParams, METHOD, params) == NoParams()


def test_parameters_are_read_with_the_names_of_the_wire() -> None:
    assert checked(SearchParams, METHOD, {"query": "x", "partialResultToken": 7}).partial_result_token == 7


@pytest.mark.parametrize(
    ("model", "params", "fields"),
    [
        (SearchParams, None, ["query"]),
        (SearchParams, [], ["query"]),
        (SearchParams, {"query": 5}, ["query"]),
        (SearchParams, {"query": "x", "limit": 0, "kind": "class"}, ["limit", "kind"]),
        (SearchParams, {"query": "x", "languages": ["go", 5]}, ["languages.1"]),
        (
            FindSimilarParams,
            {"uri": "file:///a", "range": {"start": {"line": -1, "character": 0}}},
            ["range.start.line", "range.end"],
        ),
        (NoParams, {"folder": "x"}, ["folder"]),
        (SearchParams, "text", [""]),
        (SearchParams, ["x"], [""]),
    ],
    ids=str,
)
def test_wrong_parameters_are_named(model: Any, params: Any, fields: list[str]) -> None:
    with pytest.raises(JsonRpcInvalidParams) as caught:
        checked(model, METHOD, params)
    error = caught.value
    assert error.code == -32602
    assert error.data["kind"] == "InvalidParams"
    assert [fault["field"] for fault in error.data["fields"]] == fields
    assert error.message.startswith(f"{METHOD}: ")
    for fault in error.data["fields"]:
        assert fault["problem"]
        assert fault["problem"] in error.message


def test_a_field_of_the_right_shape_may_be_wrong() -> None:
    error = invalid_field(METHOD, "folder", "'x' is not open.")
    assert (error.code, error.message) == (-32602, "codecontext/search: folder: 'x' is not open.")
    assert error.data == {"kind": "InvalidParams", "fields": [{"field": "folder", "problem": "'x' is not open."}]}


def test_what_is_a_response_already_stays() -> None:
    error = JsonRpcInvalidParams("no")
    assert response_to(error) is error


def test_a_query_without_sense_is_a_wrong_parameter() -> None:
    error = response_to(QueryError("'functoin' is not a kind of chunk.", "Use one of: function."))
    assert (error.code, error.message) == (-32602, "'functoin' is not a kind of chunk. Use one of: function.")
    assert error.data == {
        "kind": "QueryError",
        "message": "'functoin' is not a kind of chunk.",
        "hint": "Use one of: function.",
        "fields": [{"field": "query", "problem": "'functoin' is not a kind of chunk."}],
    }


@pytest.mark.parametrize(
    "kind",
    [kind for kind in CodeContextError.__subclasses__() if kind is not QueryError],
    ids=lambda kind: kind.__name__,
)
def test_what_the_engine_refuses_says_why_and_what_to_do(kind: type[CodeContextError]) -> None:
    error = response_to(kind("It is gone.", "Start it."))
    assert (error.code, error.message) == (-32803, "It is gone. Start it.")
    assert error.data == {"kind": kind.__name__, "message": "It is gone.", "hint": "Start it."}


def test_a_fault_of_ours_tells_the_log_everything_and_the_editor_little(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        error = response_to(KeyError("secret"))
    assert (error.code, error.data) == (-32603, None)
    assert error.message == "codecontext/search failed: KeyError. See the server log for details."
    assert "Traceback" in caplog.text
    assert "secret" in caplog.text


def test_being_cancelled_is_no_error_of_ours() -> None:
    with pytest.raises(asyncio.CancelledError), as_responses(METHOD):
        raise asyncio.CancelledError


def test_what_was_sent_is_not_sent_back_at_length() -> None:
    with pytest.raises(JsonRpcInvalidParams) as caught:
        checked(SearchParams, METHOD, {"x" * 100_000: 1, "query": "lock", "paths": [0] * 100})
    assert len(caught.value.message) < 5000
    assert len(caught.value.data["fields"]) == 10
