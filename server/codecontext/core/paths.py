"""Where CodeContext keeps its own files."""

from __future__ import annotations

import os
from pathlib import Path

from codecontext.core.errors import ConfigError


def expand_user(path: str | Path) -> Path:
    """``path`` with the home folder for ``~`` or ``~name``. Raises ``ConfigError`` where there is none."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        user = Path(path).parts[0]
        raise ConfigError(
            f"{path}: there is no home folder for '{user}' on this machine.", "Write the path without it."
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
