"""Numbers as people read them."""

from __future__ import annotations

from rich.filesize import decimal


def count(number: int, noun: str, plural: str = "") -> str:
    """``1 file``, ``1,204 files``; ``plural`` for nouns that take more than an s."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def share(fraction: float) -> str:
    """``100 %``; anything missing is never rounded up to that, nor anything present down to 0."""
    percent = fraction * 100
    if 0 < percent < 1:
        return "under 1 %"
    return f"{int(percent)} %"


def size(number: int) -> str:
    """``45.2 MB``, in powers of 1000."""
    return decimal(number)


def duration(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``6 min 12 s``."""
    if round(seconds, 1) < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
