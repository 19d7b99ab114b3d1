"""Where training puts adapters and reports."""

from __future__ import annotations

import re
from pathlib import Path

from codecontext.adapters.places import BASE, user_adapters
from codecontext.core.errors import TrainingError
from codecontext.core.paths import expand_user
from codecontext.training.data.corpus import workspace

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
REPORT_FILE = "report.html"


def adapter_target(folder: Path, name: str | None, out: Path | None) -> Path:
    """Folder of a new adapter for the project in ``folder``; without a ``name`` one that is free.

    Raises ``TrainingError`` for a name that cannot be a folder's.
    """
    place = expand_user(out).absolute() if out else user_adapters()
    if name is not None:
        if not _NAME.fullmatch(name) or name == BASE:
            raise TrainingError(
                f"'{name}' is not a valid adapter name.",
                f"Use at most 64 letters, digits, dots, hyphens and underscores, and not '{BASE}'.",
            )
        return place / name
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", folder.name).strip("-._")[:48] or "adapter"
    number = 1
    while (place / f"{stem}-{number}").exists():
        number += 1
    return place / f"{stem}-{number}"


def evaluation_report(folder: Path, adapter: str) -> Path:
    """Where the report of an evaluation goes by default."""
    return workspace(folder) / "reports" / f"{re.sub(r'[^A-Za-z0-9._-]+', '-', adapter)}.html"
