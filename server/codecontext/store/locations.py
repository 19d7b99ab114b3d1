"""Where the index of a folder is kept."""

from __future__ import annotations

import re
from pathlib import Path

from codecontext.core.hashing import content_digest
from codecontext.core.paths import codecontext_home


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
