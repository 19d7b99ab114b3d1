"""What the command line changes in the process is put back after each test."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from codecontext.cli import console


@pytest.fixture(autouse=True)
def _own_streams_and_logging() -> Iterator[None]:
    root, package = logging.getLogger(), logging.getLogger("codecontext")
    handlers, level = list(root.handlers), package.level
    console.stdout.cache_clear()
    console.stderr.cache_clear()
    yield
    root.handlers[:] = handlers
    package.setLevel(level)
    console.stdout.cache_clear()
    console.stderr.cache_clear()
