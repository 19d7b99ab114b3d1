"""Fixtures for all tests: an own CodeContext home, no network, and the real bundled model loaded once."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:  # the database and the model are imported by the fixtures that use them: most unit tests need neither
    from codecontext.embeddings.huggingface.provider import HuggingFaceEmbeddingProvider
    from codecontext.engine.engine import Engine

Write = Callable[[dict[str, str]], None]
EngineFor = Callable[..., "Engine"]
MakeAdapter = Callable[..., Path]


@pytest.fixture(scope="session", autouse=True)
def _shared_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing of the user's is read or written: neither CodeContext's home nor git's settings."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CODECONTEXT_HOME", str(home / "codecontext"))
        patch.setenv("GIT_CONFIG_GLOBAL", str(home / "gitconfig"))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patch.setenv("HF_HUB_OFFLINE", "1")
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "Tester")
            patch.setenv(f"GIT_{role}_EMAIL", "tester@example.org")
        yield


@pytest.fixture(autouse=True)
def _own_home(_shared_home: None, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has indexes and a cache of its own; only models loaded for all tests share a home."""
    monkeypatch.setenv("CODECONTEXT_HOME", str(tmp_path_factory.mktemp("home") / "codecontext"))


@pytest.fixture(scope="session")
def provider() -> Iterator[HuggingFaceEmbeddingProvider]:
    """The bundled model without an adapter."""
    from codecontext.chunking import CHUNK_FORMAT
    from codecontext.embeddings.huggingface.config import HuggingFaceConfig
    from codecontext.embeddings.huggingface.provider import HuggingFaceEmbeddingProvider

    loaded = HuggingFaceEmbeddingProvider(HuggingFaceConfig(), chunk_format=CHUNK_FORMAT)
    with loaded:
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
    from codecontext.config import load_settings
    from codecontext.engine.engine import Engine

    engines: list[Engine] = []

    def make(folder: Path) -> Engine:
        engine = Engine(folder, load_settings(folder).settings, provider=provider)
        engines.append(engine)
        return engine

    yield make
    for engine in engines:
        engine.close()


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Each file of weights of an adapter that is hashed during a test, as often as it is."""
    from codecontext.core.hashing import file_sha256

    files: list[Path] = []

    def counted(path: Path, **limits: int) -> str:
        files.append(path)
        return file_sha256(path, **limits)

    monkeypatch.setattr("codecontext.adapters.fingerprint.file_sha256", counted)
    return files


@pytest.fixture(scope="session")
def make_adapter(tmp_path_factory: pytest.TempPathFactory) -> MakeAdapter:
    """Make an adapter for the bundled model with PEFT; its B matrices are not zero, so it changes vectors."""

    def make(*, rank: int = 8, alpha: int = 16, seed: int = 0, side: str | None = None, **settings: Any) -> Path:
        import torch
        from peft import LoraConfig, get_peft_model
        from transformers import AutoModel

        from codecontext.embeddings.model_files import bundled_model_folder

        torch.manual_seed(seed)
        config = LoraConfig(r=rank, lora_alpha=alpha, **({"target_modules": ["query", "value"]} | settings))
        model = get_peft_model(AutoModel.from_pretrained(bundled_model_folder()), config)
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=1 / math.sqrt(parameter.shape[0]))
        folder = tmp_path_factory.mktemp("adapter")
        model.save_pretrained(folder)
        if side is not None:
            (folder / "codecontext.json").write_text(json.dumps({"side": side}), encoding="utf-8")
        return folder

    return make
