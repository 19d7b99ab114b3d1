from __future__ import annotations

from pathlib import Path

import pytest

from codecontext.cli.console import print_columns, print_label, printable, shown_path


def test_no_text_can_steer_the_terminal() -> None:
    assert printable("\x1b]0;title\x07\x9bm\r\x7f") == "␛]0;title␇\N{REPLACEMENT CHARACTER}m␍␡"
    assert printable("tab\tline\nend 한") == "tab\tline\nend 한"


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
