"""Fixtures for all tests: an own CodeContext home, no network, and the real bundled model loaded once."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codecontext.chunking import CHUNK_FORMAT
from codecontext.config import load_settings
from codecontext.embeddings.huggingface.config import HuggingFaceConfig
from codecontext.embeddings.huggingface.provider import HuggingFaceEmbeddingProvider
from codecontext.engine import Engine

Write = Callable[[dict[str, str]], None]
EngineFor = Callable[..., Engine]


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's own CodeContext home, git settings or model cache."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("CODECONTEXT_HOME", str(home / "codecontext"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def provider() -> Iterator[HuggingFaceEmbeddingProvider]:
    """The bundled model without an adapter."""
    with HuggingFaceEmbeddingProvider(HuggingFaceConfig(), chunk_format=CHUNK_FORMAT) as loaded:
        yield loaded


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty folder to index."""
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def write(project: Path) -> Write:
    """Write files, path → text, into the project."""

    def write_files(files: dict[str, str]) -> None:
        for path, text in files.items():
            file = project / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")

    return write_files


@pytest.fixture
def git(project: Path) -> Callable[..., str]:
    """Run git in the project."""

    def run(*arguments: str) -> str:
        identity = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org")
        command = ["git", *identity, *arguments]
        return subprocess.run(command, cwd=project, check=True, capture_output=True, text=True).stdout

    return run


@pytest.fixture
def engine_for(provider: HuggingFaceEmbeddingProvider) -> Iterator[EngineFor]:
    """Make engines that share the loaded model."""
    engines: list[Engine] = []

    def make(folder: Path) -> Engine:
        engine = Engine(folder, load_settings(folder).settings, provider=provider)
        engines.append(engine)
        return engine

    yield make
    for engine in engines:
        engine.close()
