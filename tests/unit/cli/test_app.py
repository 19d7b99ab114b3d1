"""What holds for every command: exit codes, and which stream says what."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from io import StringIO

import pytest
import typer
from rich.console import Console

from codecontext import __version__
from codecontext.cli import app as application
from codecontext.cli.errors import ReportingCommand
from codecontext.cli.logs import ConsoleHandler
from codecontext.core.errors import CodeContextError, ConfigError, StoreError

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run_main(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in this process; returns exit code, stdout and stderr."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["codecontext", *arguments])
        with pytest.raises(SystemExit) as end:
            application.main()
        captured = capsys.readouterr()
        return int(end.value.code or 0), captured.out, captured.err

    return run


@pytest.fixture
def fail_with(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], None]:
    """Make the command ``fail`` raise an error of our choice."""

    def install(error: Exception) -> None:
        broken = typer.Typer(pretty_exceptions_enable=False)
        broken.callback()(application.codecontext)

        @broken.command(cls=ReportingCommand)
        def fail(as_json: bool = typer.Option(False, "--json")) -> None:
            raise error

        monkeypatch.setattr(application, "app", broken)

    return install


def test_version(run_main: Run) -> None:
    code, out, err = run_main("version")
    assert (code, err) == (0, "")
    assert out.startswith(f"codecontext {__version__} (Python 3.")


def test_version_as_json(run_main: Run) -> None:
    code, out, err = run_main("version", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["codecontext"] == __version__


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["serch"], "Did you mean 'search'"),
        (["search"], "QUERY"),
        (["search", "x", "--limit", "0"], "--limit"),
        (["search", "x", "-path:tests"], "No such option: -p"),
        (["index", "--frce"], "--force"),
    ],
)
def test_usage_errors_end_with_2(run_main: Run, arguments: list[str], said: str) -> None:
    code, out, err = run_main(*arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_no_command_prints_the_help(run_main: Run) -> None:
    code, out, _ = run_main()
    assert code == 2
    assert "index" in out
    assert "search" in out


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (StoreError("The disk is full.", "Free some space."), "Error: The disk is full. Free some space."),
        (ConfigError("No end", "Add one."), "Error: No end. Add one."),
        (ConfigError("a: wrong\nb: wrong too."), "Error: a: wrong\nb: wrong too."),
    ],
)
def test_an_error_is_one_sentence_on_stderr(
    run_main: Run, fail_with: Callable[[Exception], None], error: CodeContextError, line: str
) -> None:
    fail_with(error)
    assert run_main("fail") == (error.exit_code, "", f"{line}\n")


def test_with_json_an_error_is_an_object_on_stdout(run_main: Run, fail_with: Callable[[Exception], None]) -> None:
    fail_with(StoreError('Die Platte ist "voll".', "Räume auf."))
    code, out, err = run_main("fail", "--json")
    assert (code, err) == (5, "")
    assert json.loads(out) == {"error": {"code": "store", "message": 'Die Platte ist "voll".', "hint": "Räume auf."}}


def test_an_unexpected_error_is_one_line_that_names_the_way_to_the_traceback(
    run_main: Run, fail_with: Callable[[Exception], None]
) -> None:
    fail_with(ZeroDivisionError("by\nzero"))
    code, out, err = run_main("fail")
    assert (code, out) == (70, "")
    assert err == "Internal error: ZeroDivisionError: by zero. Run 'codecontext --debug …' to see where.\n"


@pytest.mark.parametrize("error", [ZeroDivisionError("by zero"), StoreError("The disk is full.")])
def test_debug_shows_the_traceback(run_main: Run, fail_with: Callable[[Exception], None], error: Exception) -> None:
    fail_with(error)
    _, out, err = run_main("--debug", "fail")
    assert "Traceback (most recent call last)" in err
    assert "raise error" in err
    assert out == ""


def test_log_records_are_plain_lines_on_stderr(
    run_main: Run, fail_with: Callable[[Exception], None], capsys: pytest.CaptureFixture[str]
) -> None:
    fail_with(StoreError("The disk is full."))
    run_main("fail")
    logger = logging.getLogger("codecontext.somewhere")
    logger.debug("not shown")
    logger.info("Loading %s", "[red]x[/red]" + "y" * 200)
    captured = capsys.readouterr()
    assert captured.err == "INFO - Loading [red]x[/red]" + "y" * 200 + "\n"
    assert captured.out == ""


def test_on_a_terminal_a_colour_says_the_level_of_a_log_record(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = StringIO()
    screen = Console(file=shown, force_terminal=True, color_system="standard", no_color=False)
    monkeypatch.setattr("codecontext.cli.logs.stderr", lambda: screen)
    record = logging.LogRecord("codecontext.somewhere", logging.WARNING, "", 0, "PEFT is missing", None, None)

    ConsoleHandler().emit(record)

    assert shown.getvalue() == "\x1b[33mPEFT is missing\x1b[0m\n"
