"""Which of several validations counts."""

from __future__ import annotations

import numpy as np

from codecontext.training.optimize.loop import _is_as_good


def test_what_chance_explains_is_as_good() -> None:
    generator = np.random.default_rng(0)
    highest = generator.random(100)
    assert _is_as_good(highest, highest)
    noise = generator.normal(0, 0.2, 100)
    assert _is_as_good(highest + noise - noise.mean() - 0.01, highest)


def test_what_is_worse_beyond_chance_is_not() -> None:
    generator = np.random.default_rng(0)
    highest = generator.random(100)
    assert not _is_as_good(highest + generator.normal(-0.1, 0.2, 100), highest)
    assert not _is_as_good(highest - 0.001, highest)


def test_a_single_query_is_compared_as_it_is() -> None:
    assert _is_as_good(np.array([0.5]), np.array([0.5]))
    assert not _is_as_good(np.array([0.4]), np.array([0.5]))
