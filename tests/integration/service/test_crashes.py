"""The engine killed at random moments while it indexes: the index is as if nothing had happened.

A few times here; ``python -m benchmarks.crashes`` does it a hundred times.
"""

from __future__ import annotations

import pytest
from benchmarks.crashes import Crashes


@pytest.mark.asyncio
async def test_random_kills_leave_an_index_like_a_fresh_one() -> None:
    crashes = await Crashes(seed=5).run(kills=4)
    assert crashes.kills == 4
    assert crashes.differences == []
