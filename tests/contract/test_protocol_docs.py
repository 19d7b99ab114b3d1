"""The reference of the protocol says what the server answers."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from codecontext.core.errors import CodeContextError, OperationCancelled
from codecontext.lsp.features import register_all
from codecontext.lsp.protocol import COMMAND_PREFIX, Method
from codecontext.lsp.server import CodeContextServer
from scripts.codegen.protocol_reference import REQUESTS

REFERENCE = Path(__file__).parents[2] / "docs" / "protocol.md"


@pytest.fixture(scope="module")
def text() -> str:
    return REFERENCE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def server() -> Iterator[CodeContextServer]:
    """One with all its features, that nobody talks to."""
    server = CodeContextServer()
    register_all(server)
    yield server
    server.shutdown()


def handler_of(server: CodeContextServer, method: Method) -> tuple[type[Any], type[Any]]:
    """What the handler of a method takes and gives."""
    inside = inspect.getclosurevars(inspect.unwrap(server.protocol.fm.features[method])).nonlocals
    return inside["model"], get_type_hints(inside["handle"])["return"]


def test_every_request_is_documented() -> None:
    assert set(REQUESTS) == set(Method) - {Method.STATUS_CHANGED}


@pytest.mark.parametrize("method", REQUESTS)
def test_a_request_takes_and_gives_what_is_documented(method: Method, server: CodeContextServer) -> None:
    request = REQUESTS[method]
    assert (request.params, request.result) == handler_of(server, method)
    assert isinstance(request.example, request.params)
    assert request.example_result is None or isinstance(request.example_result, request.result)


def test_the_documented_commands_are_the_server_s(server: CodeContextServer, text: str) -> None:
    documented = re.findall(rf"^\| `({re.escape(COMMAND_PREFIX)}\w+)` \|", text, re.MULTILINE)
    assert documented
    assert set(documented) == set(server.protocol.fm.commands)


@pytest.mark.parametrize(
    "error", [error for error in CodeContextError.__subclasses__() if error is not OperationCancelled]
)
def test_every_error_is_documented(error: type[CodeContextError], text: str) -> None:
    assert f"`{error.__name__}`" in text.partition("## Errors")[2].partition("\n## ")[0]


def test_every_field_says_what_it_means(text: str) -> None:
    rows = re.findall(r"^\| `\w+` \|.*$", text, re.MULTILINE)
    assert len(rows) > 50
    assert [row for row in rows if re.search(r"\|\s*\|$", row)] == []


def test_links_lead_somewhere(text: str) -> None:
    headings = {
        re.sub(r"[^\w -]", "", line).replace(" ", "-").lower() for line in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([\w-]+)\)", text)) <= headings


def test_examples_are_json(text: str) -> None:
    examples = re.findall(r"^```json\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(examples) > len(REQUESTS)
    for example in examples:
        json.loads(example)
