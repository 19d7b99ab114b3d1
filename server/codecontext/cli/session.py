"""What most commands do first: find the project, read its settings, open an engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from codecontext.cli.console import print_label
from codecontext.cli.logs import apply_log_settings
from codecontext.config import LoadedSettings, load_settings
from codecontext.engine.engine import Engine
from codecontext.engine.folders import existing_folder, nearest_folder


def project_folder(given: Path | None) -> Path:
    """The folder given, or the project that contains the current directory. Raises ``ConfigError``."""
    return existing_folder(given) if given else nearest_folder(Path.cwd())


def read_settings(folder: Path, *, log_level: str | None = None) -> LoadedSettings:
    """The settings of ``folder``. They also set up logging, with ``log_level`` where they name no level."""
    loaded = load_settings(folder)
    apply_log_settings(loaded, default=log_level)
    for warning in loaded.warnings:
        print_label("Warning", warning)
    return loaded


@contextmanager
def open_engine(folder: Path, *, log_level: str | None = None) -> Iterator[Engine]:
    """An engine for ``folder`` with its settings; ``log_level`` as in ``read_settings``."""
    loaded = read_settings(folder, log_level=log_level)
    with Engine(folder, loaded.settings) as engine:
        yield engine
