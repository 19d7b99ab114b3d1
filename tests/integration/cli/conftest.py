"""The command line as its users meet it: the real entry point, the real bundled model, a small real folder."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from codecontext.cli import console
from codecontext.cli.app import main

Codecontext = Callable[..., subprocess.CompletedProcess[str]]

COMMAND = (sys.executable, "-m", "codecontext.cli")

FILES = {
    "src/tokens.py": '''\
"""Session tokens."""

import hmac


class TokenStore:
    """Keeps the tokens of all sessions."""

    def __init__(self, tokens):
        self._tokens = dict(tokens)

    def is_valid(self, user, token):
        """Compare the given token with the stored one in constant time."""
        stored = self._tokens.get(user, "")
        return hmac.compare_digest(stored, token)
''',
    "src/locks.py": '''\
"""Locks between processes."""

import os


def acquire_lock(path):
    """Keep other processes from writing until the lock is released."""
    return os.open(path, os.O_CREAT | os.O_EXCL)


def release_lock(path, descriptor):
    """Let other processes write again."""
    os.close(descriptor)
    os.unlink(path)
''',
    "web/cart.ts": """\
/** Adds up the prices of everything in the shopping cart, with tax. */
export function cartTotal(items: Item[], taxRate: number): number {
  const net = items.reduce((sum, item) => sum + item.price * item.count, 0);
  return net * (1 + taxRate);
}
""",
    "docs/guide.md": "# Guide\n\nHow to put things into the shopping cart and pay for them.\n",
    "logo.png": "\x89PNG\r\n\x1a\n\0\0\0\0",
    ".env": "SECRET=1\n",
}


def environment(home: Path, **changes: str) -> dict[str, str]:
    """This process's environment, without what would change how output looks."""
    plain = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("CODECONTEXT_") and name not in {"NO_COLOR", "FORCE_COLOR", "COLUMNS"}
    }
    return {**plain, "CODECONTEXT_HOME": str(home), "HF_HUB_OFFLINE": "1", **changes}


@pytest.fixture(scope="session")
def cli_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One CodeContext home for all these tests, so that the model is prepared once."""
    return tmp_path_factory.mktemp("cli-home")


@pytest.fixture(autouse=True)
def _own_streams_and_logging(cli_home: Path, monkeypatch: pytest.MonkeyPatch, _own_home: None) -> Iterator[None]:
    """Use the home of these tests; put back what the command line changes in the process."""
    monkeypatch.setenv("CODECONTEXT_HOME", str(cli_home))
    root, package = logging.getLogger(), logging.getLogger("codecontext")
    handlers, level = list(root.handlers), package.level
    console.stdout.cache_clear()
    console.stderr.cache_clear()
    yield
    root.handlers[:] = handlers
    package.setLevel(level)
    console.stdout.cache_clear()
    console.stderr.cache_clear()


@pytest.fixture
def start_codecontext(cli_home: Path, project: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start ``codecontext`` in ``project``, or in ``cwd``, with pipes to its streams."""

    def start(*arguments: str, cwd: Path = project, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=cwd,
            env=environment(cli_home, **(env or {})),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    return start


@pytest.fixture
def codecontext(project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Codecontext:
    """Run ``codecontext`` in ``project``, or in ``cwd``. In this process, which starts faster than another."""

    def run(
        *arguments: str, cwd: Path = project, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        with monkeypatch.context() as patch:
            patch.chdir(cwd)
            patch.setattr(sys, "argv", ["codecontext", *arguments])
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            # The priority of this process could not be raised again for the tests after this one.
            patch.setattr("codecontext.cli.index.lower_process_priority", lambda: None)
            with pytest.raises(SystemExit) as end:
                main()
        captured = capsys.readouterr()
        code = int(end.value.code or 0)
        return subprocess.CompletedProcess(arguments, code, captured.out, captured.err)

    return run


def write_files(folder: Path, files: Mapping[str, str] = FILES) -> None:
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode("latin-1"))


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory, cli_home: Path) -> Path:
    """A small indexed folder. Not to be changed by tests."""
    folder = tmp_path_factory.mktemp("shop")
    write_files(folder)
    subprocess.run([*COMMAND, "index"], cwd=folder, env=environment(cli_home), check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter for the bundled model, as PEFT lays it out, with weights at random."""
    folder = tmp_path_factory.mktemp("adapters") / "house-style"
    folder.mkdir()
    random = np.random.default_rng(7)
    tensors = {
        f"base_model.model.encoder.layer.{layer}.attention.self.query.lora_{matrix}.weight": (
            random.normal(size=shape).astype(np.float32)
        )
        for layer in range(6)
        for matrix, shape in (("A", (4, 384)), ("B", (384, 4)))
    }
    save_file(tensors, folder / "adapter_model.safetensors")
    config = {
        "peft_type": "LORA",
        "base_model_name_or_path": "sentence-transformers/all-MiniLM-L6-v2",
        "r": 4,
        "lora_alpha": 8,
        "target_modules": ["query"],
    }
    (folder / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder
