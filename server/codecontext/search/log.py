"""Logs searches and the hits opened from them, for training, if the user allows it.

One JSON object per line, in a private file that never leaves this machine.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from codecontext.core.atomic import write_file
from codecontext.core.errors import StoreError
from codecontext.core.private import create_private, make_private

MAX_BYTES = 5_000_000
"""When the log is larger, its older half is removed."""


@dataclass(frozen=True, slots=True)
class OpenedHit:
    """A hit that somebody opened; lines are 1-based and inclusive, ``time`` in seconds since 1970."""

    query: str
    path: str
    start_line: int
    end_line: int
    time: int


class SearchLog:
    """The log of one folder."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def record(self, query: str, path: str, start_line: int, end_line: int) -> None:
        """Add one opened hit. Raises ``StoreError`` when the disk refuses."""
        entry = OpenedHit(query, path, start_line, end_line, int(time.time()))
        line = json.dumps(asdict(entry), ensure_ascii=False) + "\n"
        try:
            make_private(self._file.parent)
            create_private(self._file)
            self._shorten()
            with self._file.open("a", encoding="utf-8") as file:
                file.write(line)
        except OSError as error:
            raise StoreError(
                f"The search log {self._file} cannot be written: {error.strerror}.", "Set search.keep_log to false."
            ) from error

    def read(self) -> Iterator[OpenedHit]:
        """All entries that can be read, oldest first."""
        try:
            lines = self._file.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return
        for line in lines:
            try:
                yield OpenedHit(**json.loads(line))
            except (ValueError, TypeError):
                continue

    def _shorten(self) -> None:
        if self._file.is_file() and self._file.stat().st_size > MAX_BYTES:
            lines = self._file.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
            write_file(self._file, "".join(lines[len(lines) // 2 :]), private=True)
