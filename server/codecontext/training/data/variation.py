"""Other ways to ask the same, so that an adapter learns what is meant rather than how documentation is worded."""

from __future__ import annotations

import random

VARIED_SHARE = 0.25
_DROPPED_SHARE = 0.2
_MIN_WORDS = 4


def vary(query: str, seed: int) -> str:
    """``query``, or in a quarter of the cases a shorter form: some words left out, or only its beginning."""
    generator = random.Random(seed)
    words = query.split()
    if len(words) <= _MIN_WORDS or generator.random() >= VARIED_SHARE:
        return query
    if generator.random() < 0.5:
        kept = [word for word in words if generator.random() >= _DROPPED_SHARE]
        return " ".join(kept or words)
    return " ".join(words[: generator.randint(_MIN_WORDS - 1, len(words))])
