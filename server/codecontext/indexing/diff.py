"""What has to be read again, and what is gone, since the last run."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from codecontext.indexing.files import Skipped, SkipReason, SourceFile
from codecontext.store.manifest import FileStamp, QuarantinedFile, SkippedStamp

# A file changed this shortly before it was last read may have changed again within the same clock tick.
_RACY_NS = 2_000_000_000


@dataclass(slots=True)
class Changes:
    """Files to read, in the order to read them, and what the index can keep or must forget."""

    to_read: list[SourceFile] = field(default_factory=list)
    unchanged: dict[str, FileStamp] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)


def find_changes(
    files: Sequence[SourceFile],
    stamps: Mapping[str, FileStamp],
    indexed: Mapping[str, set[str]],
    read_at_ns: int,
    first: Collection[str] = (),
) -> Changes:
    """Compare what is on disk with the manifest's ``stamps`` and the ``indexed`` digests of each path.

    A file is left unread only if its size and times are those of its stamp, the stamp was taken at rest,
    and the index holds exactly that content. The paths in ``first`` are read first, then what was changed last.
    """
    changes = Changes()
    for file in files:
        stamp = stamps.get(file.path)
        if stamp is not None and _is_current(file, stamp, indexed.get(file.path, set()), read_at_ns):
            changes.unchanged[file.path] = stamp
        else:
            changes.to_read.append(file)
    changes.to_read.sort(key=lambda file: (file.path in first, file.mtime_ns), reverse=True)
    present = {file.path for file in files}
    changes.removed = sorted(path for path in indexed if path not in present)
    return changes


def without_skipped(
    files: Sequence[SourceFile],
    quarantined: Mapping[str, QuarantinedFile],
    skipped: Mapping[str, SkippedStamp],
    read_at_ns: int,
) -> tuple[list[SourceFile], list[Skipped]]:
    """The files that may be read, and those that were skipped for their content or quarantined and stay so unread.

    They stay so while their size and times do; ``skipped`` ones also only if they were at rest when they were read.
    """
    readable, held = [], []
    for file in files:
        looks = (file.size, file.changed_ns)
        if (entry := quarantined.get(file.path)) and (entry.size, entry.changed_ns) == looks:
            held.append(Skipped(file.path, SkipReason.QUARANTINED, entry.detail))
        elif (stamp := skipped.get(file.path)) and _is_same(file, stamp, read_at_ns):
            held.append(Skipped(file.path, SkipReason(stamp.reason), stamp.detail, *looks))
        else:
            readable.append(file)
    return readable, held


def _is_current(file: SourceFile, stamp: FileStamp, digests: set[str], read_at_ns: int) -> bool:
    content = digests == {stamp.digest} if stamp.chunks else not digests
    return content and _is_same(file, stamp, read_at_ns)


def _is_same(file: SourceFile, stamp: FileStamp | SkippedStamp, read_at_ns: int) -> bool:
    """Whether a file looks as it did when it was read, at rest."""
    at_rest = file.changed_ns < read_at_ns - _RACY_NS
    return at_rest and (file.size, file.changed_ns) == (stamp.size, stamp.changed_ns)
