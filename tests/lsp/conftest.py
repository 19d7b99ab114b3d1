"""Fixtures of the tests that drive the real language server.

A module whose tests leave no traces shares one server: ``editor``, on ``project``. Others start their own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from lsp.client import Editor, opened, write

FILES = {
    "app/locks.py": '''\
"""Files shared by several workers."""

import fcntl
from pathlib import Path


def hold_lock(path: Path):
    """Take the lock exclusively; everybody else has to stand in line."""
    handle = path.open("w")
    fcntl.flock(handle, fcntl.LOCK_EX)
    return handle


def release_lock(handle) -> None:
    """Give the lock back."""
    fcntl.flock(handle, fcntl.LOCK_UN)
    handle.close()
''',
    "app/prices.py": '''\
"""What customers pay."""


class Cart:
    """Goods that somebody wants to buy."""

    def discounted_total(self, percent: float) -> float:
        """The sum that is left after a rebate."""
        return sum(self.prices) * (1 - percent / 100)
''',
    "app/emoji.py": '''\
"""Cheerful output."""

def celebrate():  # 🎉🎉 celebrate
    return "🎉"


class Fête: naïve_🎉 = 0; celebration_mood = "🥳"
'''.replace("naïve_🎉", "naive"),
    "web/cart.ts": """\
/** Shows the goods that somebody wants to buy. */
export function renderCart(goods: string[]): string {
  return goods.map((name) => `<li>${name}</li>`).join("");
}
""",
    "README.md": """\
# A shop

## Opening hours

We are open from nine to five, but never on Sundays.
""",
}


@pytest.fixture(autouse=True)
def _own_home(_shared_home: None) -> None:
    """All these tests share the home of the session, and with it the cache of embeddings."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small project."""
    return write(tmp_path_factory.mktemp("lsp") / "shop", FILES)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def editor(project: Path) -> AsyncIterator[Editor]:
    """A server that has indexed the project, and an editor without any capabilities."""
    async with opened(project) as editor:
        await editor.settled()
        yield editor
