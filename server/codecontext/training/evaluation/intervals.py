"""Figures with the intervals that they lie in."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Interval(BaseModel):
    """A mean and the interval that it lies in with 95 % confidence."""

    model_config = ConfigDict(frozen=True)

    mean: float = Field(description="Mean over the queries.")
    low: float = Field(description="Lower end of the 95 % interval.")
    high: float = Field(description="Upper end of the 95 % interval.")


class Comparison(BaseModel):
    """One metric of two systems over the same queries."""

    model_config = ConfigDict(frozen=True)

    before: Interval = Field(description="What it is compared with.")
    after: Interval = Field(description="The adapter.")
    gain: Interval = Field(description="The difference, query by query.")


def described_change(change: Interval, metric: str, other: str) -> str:
    """What the whole search does, for a sentence: ``gains +0.012 MRR@10 over base``, or ``loses 0.012 …``."""
    if change.mean < 0:
        return f"loses {-change.mean:.3f} {metric} against {other}"
    return f"gains {change.mean:+.3f} {metric} over {other}"
