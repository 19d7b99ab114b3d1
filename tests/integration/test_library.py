"""The library as its page shows it, with the settings of the folder and a model of its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from codecontext import CodeContextError, Engine, Hit, SearchResponse

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "docs" / "library.md"


def test_the_examples_of_the_page_run(
    project: Path, write: Callable[..., None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write({"session.py": "def is_valid(token, session):\n    return compare_digest(token, session.token)\n"})
    monkeypatch.chdir(project)
    examples = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    for example in examples:
        exec(example, {})
    search, error = capsys.readouterr().out.splitlines()
    assert search == "session.py:1  is_valid"
    assert error.startswith("config: There is no folder 'does-not-exist'.")


def test_open_index_search(project: Path, write: Callable[..., None]) -> None:
    write({"auth.py": "def check_password(user, password):\n    return digest(password) == user.digest\n"})
    (project / ".codecontext.toml").write_text("search.limit = 1\n", encoding="utf-8")
    with Engine.open(str(project)) as engine:
        assert engine.settings.search.limit == 1
        engine.index()
        response = engine.search("where is the password compared")
    assert isinstance(response, SearchResponse)
    [hit] = response.hits
    assert isinstance(hit, Hit)
    assert (hit.path, hit.start_line, hit.symbol) == ("auth.py", 1, "check_password")
    assert response.state.degraded is None


def test_settings_that_a_project_cannot_decide_are_ignored_and_logged(
    project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (project / ".codecontext.toml").write_text("embeddings.huggingface.allow_download = true\n", encoding="utf-8")
    with Engine.open(project) as engine:
        assert engine.settings.embeddings.huggingface.allow_download is False
    assert "allow_download is ignored because a project file cannot set it" in caplog.text


@pytest.mark.parametrize(
    ("place", "sentence"), [("missing", "There is no folder"), ("file", "is a file, not a folder")]
)
def test_a_place_that_is_no_folder(tmp_path: Path, place: str, sentence: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CodeContextError, match=sentence):
        Engine.open(tmp_path / place)


def test_invalid_settings(project: Path) -> None:
    (project / ".codecontext.toml").write_text("search.limit = 'many'\n", encoding="utf-8")
    with pytest.raises(CodeContextError, match=r"search\.limit"):
        Engine.open(project)
