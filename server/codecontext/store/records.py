"""What an index says about files: those it holds, those it skips, and what comes with each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from codecontext.core.messages import Message, Sentence

OUTDATED_INDEX = "The index of this folder was made by an earlier version. Run 'codecontext index' to rebuild it."


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What a file looked like when it was read.

    ``size`` in bytes; ``changed_ns`` the later of its modification and status-change times, so that an edit that puts
    the modification time back is seen; ``chunks`` how many rows it gave. ``settled`` says that it was at rest: one that
    changed just before it was read may have changed again within the same tick of the clock.
    """

    size: int
    changed_ns: int
    digest: str
    chunks: int
    settled: bool = False


@dataclass(frozen=True, slots=True)
class SkippedEntry:
    """A file, or with a trailing '/' a whole folder, that is not in the index.

    One that was skipped for its content has the size and time of that content, so that it is not read again until it
    looks different; others have -1.
    """

    path: str
    reason: str
    detail: str = ""
    size: int = -1
    changed_ns: int = -1
    settled: bool = False


class SkippedFile(Message):
    """A file, or with a trailing '/' a whole folder, that is not in the index, and why."""

    path: str = Field(description="Relative to the folder.")
    reason: str = Field(description="Why, as one word.")
    detail: Sentence = Field("", description="Details, where there are any.")


@dataclass(frozen=True, slots=True)
class FileRows:
    """The rows that replace whatever the index holds of one file, in the order of their places.

    Each row has the fields of a ``Chunk``, its ``content_hash`` and the ``TERM_FIELDS``.
    """

    path: str
    rows: Sequence[dict[str, Any]]
    stamp: FileStamp


@dataclass(frozen=True, slots=True)
class IndexState:
    """The facts of one index that do not belong to a file."""

    folder: str = ""
    index_version: str = ""
    """Digest of everything that decides how a file becomes rows."""
    finished: bool = False
    """Whether a run has come to its end, whatever it found."""
    generation: int = 0
    """A counter that each write to the text raises."""
    files: int = 0
    chunks: int = 0
    spaces: list[str] = field(default_factory=list)
    """Embedding spaces, the active one first."""
    notices: list[str] = field(default_factory=list)

    def with_space(self, space_id: str, *, keep: int, activate: bool = True) -> list[str]:
        """The ``keep`` most recent spaces once ``space_id`` is the active one.

        Without ``activate`` it comes second, after the active one if there is any.
        """
        others = [other for other in self.spaces if other != space_id]
        is_second = not activate and self.spaces[:1] != [space_id]
        return [*others[:is_second], space_id, *others[is_second:]][:keep]
