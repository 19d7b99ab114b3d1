from __future__ import annotations

import pytest

from codecontext.core.errors import CodeContextError
from codecontext.service.memory_bound import MemoryBound, own_memory


def test_what_this_process_holds_counts() -> None:
    before = own_memory()
    held = bytearray(b"x") * 60_000_000
    assert own_memory() - before > 0.9 * len(held)


def test_more_than_allowed_is_an_error_that_says_what_to_change() -> None:
    with pytest.raises(
        CodeContextError, match=r"the engine takes [\d,]+ MB of memory, more than engine.memory_mb \(1\)"
    ):
        MemoryBound().check(1)


def test_less_than_allowed_or_no_limit_is_none() -> None:
    bound = MemoryBound()
    bound.check(None)
    bound.check(own_memory() // 1_000_000 + 1_000)


def test_it_is_not_looked_at_again_at_once() -> None:
    bound = MemoryBound()
    bound.check(1_000_000)
    bound.check(1)
