"""Where CodeContext keeps its own files."""

from __future__ import annotations

import os
from pathlib import Path


def codecontext_home() -> Path:
    """Folder of config, adapters, indexes and cache: ``CODECONTEXT_HOME`` or ``~/.codecontext``."""
    override = os.environ.get("CODECONTEXT_HOME")
    return Path(override).expanduser() if override else Path.home() / ".codecontext"


def user_config_file() -> Path:
    """The user's settings, lowest but the defaults."""
    return codecontext_home() / "config.yaml"


def project_config_file(folder: Path) -> Path:
    """The project's settings, which may be committed."""
    return folder / ".codecontext.toml"
