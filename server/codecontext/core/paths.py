"""Where CodeContext keeps its own files, and which folders of a project hold no source."""

from __future__ import annotations

import os
import re
from pathlib import Path

from codecontext.core.errors import ConfigError
from codecontext.core.hashing import content_digest

VERSION_CONTROL = frozenset({".git", ".hg", ".jj", ".svn"})
DEPENDENCIES_AND_CACHES = frozenset({".venv", "__pycache__", "bower_components", "node_modules"})
# A virtual environment has the first (PEP 405), a cache the second (https://bford.info/cachedir/).
NOT_SOURCE_MARKERS = frozenset({"pyvenv.cfg", "CACHEDIR.TAG"})


def expand_user(path: str | Path) -> Path:
    """``path`` with the home folder for ``~`` or ``~name``. Raises ``ConfigError`` where there is none."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        user = Path(path).parts[0]
        raise ConfigError(
            f"{path}: there is no home folder for '{user}' on this machine.", "Write the full path instead."
        ) from error


def codecontext_home() -> Path:
    """Folder of config, adapters, indexes and cache: ``CODECONTEXT_HOME`` or ``~/.codecontext``.

    It need not exist. Raises ``ConfigError`` where it is a file, or where ``~`` stands for nothing.
    """
    override = os.environ.get("CODECONTEXT_HOME")
    place = f"CODECONTEXT_HOME is {override}" if override else "CodeContext keeps its files in ~/.codecontext"
    hint = "Set CODECONTEXT_HOME to a folder that can be written."
    try:
        home = Path(os.path.abspath(Path(override or "~/.codecontext").expanduser()))  # noqa: PTH100 - links stay
    except RuntimeError as error:
        raise ConfigError(f"{place}, and that home folder does not exist.", hint) from error
    if not home.is_dir() and os.path.lexists(home):
        raise ConfigError(f"{place}, and that is not a folder.", hint)
    return home


def user_config_file() -> Path:
    """The user's settings, lowest but the defaults."""
    return codecontext_home() / "config.yaml"


def project_config_file(folder: Path) -> Path:
    """The project's settings, which may be committed."""
    return folder / ".codecontext.toml"


def index_directory(folder: Path) -> Path:
    """``indexes/<folder name>-<hash of its real path>`` below the CodeContext home."""
    real = folder.resolve()
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", real.name).strip("-.")[:40] or "root"
    return codecontext_home() / "indexes" / f"{name}-{content_digest(str(real))[:12]}"


def cache_directory() -> Path:
    """Home of what all folders share."""
    return codecontext_home() / "cache"


def search_log_file(folder: Path) -> Path:
    """Where the searches of a folder are logged, for those who let them be."""
    return codecontext_home() / "searches" / f"{index_directory(folder).name}.jsonl"
