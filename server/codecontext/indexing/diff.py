"""What has to be read again, and what is gone, since the last run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from codecontext.indexing.files import SkipReason, SourceFile
from codecontext.store.records import FileStamp, SkippedEntry

RACY_NS = 2_000_000_000
"""A file changed this shortly before it was read may have changed again within the same clock tick."""


@dataclass(slots=True)
class Changes:
    """Files to read, in the order to read them, and paths that the index must forget."""

    to_read: list[SourceFile] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


def find_changes(files: Sequence[SourceFile], stamps: Mapping[str, FileStamp], first: Collection[str] = ()) -> Changes:
    """Compare what is on disk with the ``stamps`` of the files that the index holds.

    A file is left unread only if its size and times are those of its stamp, and the stamp was taken at rest. The paths
    in ``first`` are read first, then what was changed last.
    """
    changes = Changes([file for file in files if not _is_current(file, stamps.get(file.path))])
    changes.to_read.sort(key=lambda file: (file.path in first, file.mtime_ns), reverse=True)
    present = {file.path for file in files}
    changes.removed = sorted(path for path in stamps if path not in present)
    return changes


def without_skipped(
    files: Sequence[SourceFile], entries: Iterable[SkippedEntry]
) -> tuple[list[SourceFile], list[SkippedEntry]]:
    """The files to look at, and those that were skipped for their content and look as they did then."""
    known = {entry.path: entry for entry in entries if entry.size >= 0}
    readable: list[SourceFile] = []
    held: list[SkippedEntry] = []
    for file in files:
        entry = known.get(file.path)
        if entry is not None and _looks_as(file, entry):
            held.append(entry)
        else:
            readable.append(file)
    return readable, held


def _is_current(file: SourceFile, stamp: FileStamp | None) -> bool:
    return stamp is not None and stamp.settled and (file.size, file.changed_ns) == (stamp.size, stamp.changed_ns)


def _looks_as(file: SourceFile, entry: SkippedEntry) -> bool:
    # One that ended the process that read it is not read again, even if it was hardly at rest.
    settled = entry.settled or entry.reason == SkipReason.QUARANTINED
    return settled and (file.size, file.changed_ns) == (entry.size, entry.changed_ns)
