"""The reference of the command line says what the command line does."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from codecontext.core.errors import CodeContextError
from scripts.codegen.cli_reference import JSON_RESULTS, SPEAKS_A_PROTOCOL, commands

REFERENCE = Path(__file__).parents[2] / "docs" / "cli.md"
COMMANDS = list(commands())


def section(name: str) -> str:
    text = REFERENCE.read_text(encoding="utf-8")
    return re.split(rf"^### {re.escape(name)}\n", text, flags=re.MULTILINE)[1].partition("\n### ")[0]


def test_every_command_has_a_json_result() -> None:
    assert [name for name, _ in COMMANDS if name != SPEAKS_A_PROTOCOL] == list(JSON_RESULTS)


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_every_option_is_named_and_explained(name: str, command: Any) -> None:
    text = section(name)
    assert command.help
    for param in command.params:
        if param.name != "help":
            assert param.help, param.name
            spellings = [param.metavar] if param.param_type_name == "argument" else param.opts
            for spelling in spellings:
                assert re.search(rf"\| .*`{re.escape(spelling)}[` ]", text), spelling


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_every_command_has_json(name: str, command: Any) -> None:
    assert any("--json" in param.opts for param in command.params) == (name != SPEAKS_A_PROTOCOL)


@pytest.mark.parametrize(
    "error",
    CodeContextError.__subclasses__(),
    ids=[error.code for error in CodeContextError.__subclasses__()],
)
def test_every_error_has_its_exit_code(error: type[CodeContextError]) -> None:
    table = REFERENCE.read_text(encoding="utf-8").partition("## Exit codes")[2].partition("## Commands")[0]
    assert re.search(rf"^\| {error.exit_code} \| .+ \| `{error.code}` \|$", table, flags=re.MULTILINE)


def test_the_examples_are_commands() -> None:
    text = REFERENCE.read_text(encoding="utf-8").partition("Results go to stdout")[0]
    known = dict(COMMANDS)
    examples = [shlex.split(line, comments=True) for line in re.findall(r"^\$ (.+)$", text, re.MULTILINE)]
    assert examples
    for words in examples:
        depth = next(length for length in range(len(words), 1, -1) if " ".join(words[:length]) in known)
        known[" ".join(words[:depth])].make_context(words[depth - 1], words[depth:])
