"""Names outside ASCII, whatever the locale of whoever started the server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from codecontext.lsp.protocol import Method
from lsp.client import opened, paths, write

C_LOCALE = {"LC_ALL": "C"}
WITHOUT_UTF8_MODE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locales")


@pytest.fixture(autouse=True)
def _no_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LANG", "LC_ALL", "LC_CTYPE", "PYTHONUTF8", "PYTHONCOERCECLOCALE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder, a file, settings and code with letters outside ASCII."""
    return write(
        tmp_path / "Prüfung ö 検索",
        {
            "größe.py": 'def groesse_messen(länge):\n    """Misst die Größe."""\n    return länge\n',
            "übrig/rest.py": "def was_uebrig_ist(x):\n    return x\n",
            ".codecontext.toml": '[indexing]\nexclude = ["übrig/**"]\n',
        },
    )


@pytest.mark.parametrize("environment", [C_LOCALE, WITHOUT_UTF8_MODE])
async def test_the_server(folder: Path, environment: dict[str, str]) -> None:
    async with opened(folder, environment=environment) as editor:
        status = await editor.settled()
        assert (status["health"], status["message"]) == ("ok", "")
        assert status["folders"][0]["uri"] == folder.as_uri()
        assert paths(await editor.search("Größe messen länge"))[:1] == ["größe.py"]
        editor.save(folder / "änderung.py", "def geaendert(x):\n    return x\n")
        await editor.finds("geaendert", lambda result: paths(result)[:1] == ["änderung.py"])
        skipped = await editor.ask(Method.SKIPPED)
        assert [file["path"] for file in skipped["files"]] == ["übrig/rest.py"]


def test_the_command_line(folder: Path) -> None:
    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "codecontext.cli", *arguments]
        done = subprocess.run(command, env=os.environ | WITHOUT_UTF8_MODE, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    run("index", str(folder))
    answer = json.loads(run("search", "Größe messen", "--folder", str(folder), "--json"))
    assert answer["hits"][0]["path"] == "größe.py"
