"""Fixtures of the tests that drive the real language server.

A module whose tests leave no traces shares one server: ``editor``, on ``project``. Others start their own.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from lsp.client import Editor, opened

SHOP = Path(__file__).parents[1] / "samples" / "shop"


@pytest.fixture(autouse=True)
def _own_home(_shared_home: None) -> None:
    """All these tests share the home of the session, and with it the cache of embeddings."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small project."""
    return Path(shutil.copytree(SHOP, tmp_path_factory.mktemp("lsp") / "shop"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def editor(project: Path) -> AsyncIterator[Editor]:
    """A server that has indexed the project, and an editor without any capabilities."""
    async with opened(project) as editor:
        await editor.settled()
        yield editor
