"""What a project alone can make the command line do on its user's behalf: nothing beyond the folder."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import Popen

import pytest

from integration.cli.conftest import write_files

Start = Callable[..., Popen[str]]


class Hub:
    """A server in the place of the model hub that knows no model and writes down what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_error(404)

            do_HEAD = do_POST = do_GET  # noqa: N815 - names that the base class looks for

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub()
    yield hub
    hub.close()


def online(hub: Hub) -> dict[str, str]:
    return {"HF_ENDPOINT": hub.address, "HF_HUB_OFFLINE": "0", "HF_HUB_ETAG_TIMEOUT": "5"}


@pytest.mark.parametrize("command", [["index"], ["search", "save the cart"], ["doctor"]])
def test_a_project_file_alone_connects_to_nothing(
    command: list[str], hub: Hub, project: Path, start_codecontext: Start
) -> None:
    write_files(project)
    start_codecontext("index").communicate(timeout=120)
    (project / ".codecontext.toml").write_text(
        "embeddings.huggingface.model_name = 'somebody/some-model'\nembeddings.huggingface.allow_download = true\n",
        encoding="utf-8",
    )
    output = start_codecontext(*command, env=online(hub)).communicate(timeout=120)
    assert hub.asked == []
    assert "allow_download is ignored because a project file cannot set it" in " ".join("".join(output).split())


def test_the_user_can_consent(hub: Hub, project: Path, start_codecontext: Start) -> None:
    """The same with the user's own word asks the hub, so the test above would see a request."""
    write_files(project)
    consent = {
        "CODECONTEXT_EMBEDDINGS__HUGGINGFACE__MODEL_NAME": "somebody/some-model",
        "CODECONTEXT_EMBEDDINGS__HUGGINGFACE__ALLOW_DOWNLOAD": "true",
    }
    run = start_codecontext("index", env={**online(hub), **consent})
    run.communicate(timeout=120)
    assert any("somebody/some-model" in path for path in hub.asked)
    assert run.returncode == 4


@pytest.mark.parametrize("home", ["~nosuchuser/codecontext", "a file"])
@pytest.mark.parametrize(
    "command", [["status"], ["index"], ["search", "x"], ["doctor"], ["adapter", "list"], ["config", "show"]]
)
def test_a_home_that_cannot_be_one_is_named(
    command: list[str], home: str, project: Path, tmp_path: Path, codecontext: Callable[..., Popen[str]]
) -> None:
    if home == "a file":
        home = str(tmp_path / "home")
        Path(home).write_text("", encoding="utf-8")
    run = codecontext(*command, env={"CODECONTEXT_HOME": home})
    assert run.returncode not in (0, 70)
    assert f"CODECONTEXT_HOME is {home}" in " ".join((run.stdout + run.stderr).split())


@pytest.mark.parametrize(
    "arguments",
    [
        ["index", "~nosuchuser/x"],
        ["search", "x", "--folder", "~nosuchuser/x"],
        ["similar", "~nosuchuser/x.py:3"],
        ["adapter", "inspect", "~nosuchuser/x"],
        ["adapter", "train", "--out", "~nosuchuser/x"],
    ],
)
def test_the_home_of_nobody_is_named_in_an_argument(
    arguments: list[str], project: Path, codecontext: Callable[..., Popen[str]]
) -> None:
    run = codecontext(*arguments)
    assert run.returncode not in (0, 70)
    assert "~nosuchuser" in run.stdout + run.stderr
