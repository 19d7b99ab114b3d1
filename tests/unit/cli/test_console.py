from __future__ import annotations

import json
import logging
import math
from pathlib import Path

import pytest
from pydantic import BaseModel

from codecontext.cli.console import print_columns, print_json, print_label, shown_path
from codecontext.cli.logs import ConsoleHandler
from codecontext.core.printable import printable, printable_lines


def test_columns_in_a_pipe_are_aligned_whole_lines(capsys: pytest.CaptureFixture[str]) -> None:
    long = "word " * 60
    print_columns([("a", "한국", "x"), ("longer", "b", long)], ("", "bold", ""))
    assert capsys.readouterr().out == f"a       한국  x\nlonger  b     {long}".rstrip() + "\n"


def test_labels_go_to_stderr_unwrapped(capsys: pytest.CaptureFixture[str]) -> None:
    sentence = "[bold]not markup[/bold] " * 20
    print_label("Note", sentence)
    captured = capsys.readouterr()
    assert captured.err == f"Note: {sentence}\n"
    assert captured.out == ""


def test_paths_count_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / "a" / "b" / "c"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert shown_path(deep / "x.py") == "x.py"
    assert shown_path(tmp_path / "a" / "x.py") == str(Path("..", "..", "x.py"))
    assert shown_path(tmp_path / "x.py") == str(tmp_path / "x.py")


HOSTILE = "\x1b]0;title\x07 \x9b31m \u202e\u2066 \u2028 \U000e0041"


class Named(BaseModel):
    name: str
    gain: float = math.nan


def test_json_steers_no_terminal_and_gives_the_original_back(capsys: pytest.CaptureFixture[str]) -> None:
    name = f"{HOSTILE} 한 \udcff"
    print_json(Named(name=name))
    printed = capsys.readouterr().out
    assert printable_lines(printed) == printed
    assert "한" in printed
    assert json.loads(printed) == {"name": name, "gain": None}


def test_no_column_and_no_label_steers_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_columns([(HOSTILE, "two\nlines")], ("", ""))
    print_label("Note", HOSTILE)
    captured = capsys.readouterr()
    assert captured.out == f"{printable(HOSTILE)}  two\\nlines\n"
    assert captured.err == f"Note: {printable(HOSTILE)}\n"


def test_no_log_record_poses_as_another(capsys: pytest.CaptureFixture[str]) -> None:
    record = logging.makeLogRecord({"msg": "%s is skipped.", "args": (f"a\nERROR b{HOSTILE}",), "levelname": "INFO"})
    ConsoleHandler().handle(record)
    assert capsys.readouterr().err == f"INFO - a\\nERROR b{printable(HOSTILE)} is skipped.\n"
