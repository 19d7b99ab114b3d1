"""Terminals, pipes that close, and environments that want no colours."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Start = Callable[..., subprocess.Popen[str]]
OnTerminal = Callable[..., str]

COLOUR = re.compile(r"\x1b\[[\d;]*(3[0-7]|9[0-7]|38;)[\d;]*m")


@pytest.fixture
def on_terminal() -> OnTerminal:
    """Run ``codecontext`` on a terminal; returns what it wrote there."""
    pty = pytest.importorskip("pty")

    def run(*arguments: str, cwd: Path, **env: str) -> str:
        screen, terminal = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "codecontext.cli", *arguments],
            cwd=cwd,
            env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", **env},
            stdout=terminal,
            stderr=terminal,
        )
        os.close(terminal)
        written = b""
        with process:
            while chunk := read_some(screen):
                written += chunk
        os.close(screen)
        return written.decode()

    return run


def read_some(descriptor: int) -> bytes:
    """Bytes from a terminal; none once the other side is closed, which Linux calls an error."""
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""


def test_on_a_terminal_hits_are_coloured_links(on_terminal: OnTerminal, shop: Path) -> None:
    screen = on_terminal("search", "acquire_lock", "-n", "1", cwd=shop)
    link = rf"\x1b\]8;[^;]*;{re.escape((shop / 'src' / 'locks.py').as_uri())}#L6\x1b\\"
    assert re.search(link, screen)
    assert COLOUR.search(screen)


def test_long_lines_are_cut_at_the_edge_of_a_terminal(on_terminal: OnTerminal, shop: Path) -> None:
    screen = on_terminal("search", "cartTotal", "-n", "1", cwd=shop, COLUMNS="40")
    plain = re.sub(r"\x1b\[[\d;]*m|\x1b\]8;.*?\x1b\\", "", screen)
    code = [line.rstrip("\r") for line in plain.split("\n") if "│" in line]
    assert any(line.endswith("…") for line in code)
    assert max(map(len, code)) <= 40


def test_no_color_is_respected(on_terminal: OnTerminal, shop: Path) -> None:
    screen = on_terminal("search", "acquire_lock", "-n", "1", cwd=shop, NO_COLOR="1")
    assert "acquire_lock" in screen
    assert not COLOUR.search(screen)


def test_a_terminal_shows_bars_and_then_the_summary_alone(on_terminal: OnTerminal, project: Path) -> None:
    (project / "a.py").write_text("def add(left, right):\n    return left + right\n")
    screen = on_terminal("index", "--force", cwd=project)
    assert "Embedding" in screen
    assert "INFO" not in screen
    assert "Indexed 1 file, 1 chunk in " in screen.rpartition("\x1b[2K")[2]


@pytest.mark.parametrize(
    "arguments",
    [["search", "cart"], ["search", "cart", "--json"], ["status", "--skipped"], ["config", "show"], ["--help"]],
)
def test_a_reader_that_leaves_early_is_no_fault(start_codecontext: Start, shop: Path, arguments: list[str]) -> None:
    with start_codecontext(*arguments, cwd=shop) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""


def test_the_language_server_tells_a_person_what_it_waits_for(project: Path) -> None:
    keyboard, terminal = pytest.importorskip("pty").openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "codecontext.cli", "serve"],
        cwd=project,
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.close(terminal)
        assert process.stderr is not None
        assert "Waiting for an editor" in process.stderr.readline()
        os.write(keyboard, b"\x04")  # Ctrl-D
        assert process.communicate(timeout=60)[0] == ""
    os.close(keyboard)
