"""Holds each fuzz test to the bounds of ``bounds.py``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fuzz.bounds import SECONDS, bounded_memory


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/fuzz/" in item.path.as_posix():
            item.add_marker(pytest.mark.timeout(SECONDS))


@pytest.fixture(autouse=True)
def _bounded_memory() -> Iterator[None]:
    with bounded_memory():
        yield
