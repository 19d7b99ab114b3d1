"""Repositories for the miners."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from codecontext.indexing.scan import ScanConfig
from codecontext.training.data.mining.repository import Repository, read_repository

ReadFiles = Callable[[dict[str, str]], Repository]


@pytest.fixture
def repository_of(project: Path, write: Callable[[dict[str, str]], None]) -> ReadFiles:
    """Write files into the project and read it as the miners do."""

    def read(files: dict[str, str]) -> Repository:
        write(files)
        return read_repository(project, ScanConfig())

    return read
