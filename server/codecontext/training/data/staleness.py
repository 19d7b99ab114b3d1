"""Whether an index is current: whether it holds what the files hold."""

from __future__ import annotations

import shlex
from pathlib import Path

from codecontext.core.errors import IndexNotReady
from codecontext.core.hashing import content_digest
from codecontext.indexing.classify import classify_content
from codecontext.indexing.diff import find_changes, without_skipped
from codecontext.indexing.files import SourceFile
from codecontext.indexing.scan import ScanConfig, scan_folder
from codecontext.store.index_store import IndexStore
from codecontext.store.records import FileStamp

_NAMED = 3


def require_current_index(folder: Path, store: IndexStore, config: ScanConfig) -> None:
    """Raise ``IndexNotReady`` unless the index of ``folder`` holds just what its files hold."""
    hint = f"Run: codecontext index {shlex.quote(str(folder))}"
    if not store.has_index():
        raise IndexNotReady(f"The folder {folder} has no index yet.", hint)
    stale = stale_paths(folder, store, config)
    if stale:
        named = ", ".join(stale[:_NAMED]) + (", …" if len(stale) > _NAMED else "")
        files = "1 file has" if len(stale) == 1 else f"{len(stale)} files have"
        raise IndexNotReady(f"The index of {folder} is stale: {files} changed since ({named}).", hint)


def stale_paths(folder: Path, store: IndexStore, config: ScanConfig) -> list[str]:
    """Files that were added, changed or deleted since they were indexed."""
    stamps = store.stamps()
    files, _held = without_skipped(scan_folder(folder, config).files, store.skipped())
    changes = find_changes(files, stamps)
    changed = [file.path for file in changes.to_read if _differs(file, stamps.get(file.path))]
    return sorted([*changed, *changes.removed])


def _differs(file: SourceFile, stamp: FileStamp | None) -> bool:
    """Whether the content of a file that was touched since differs."""
    try:
        data = file.read()
    except OSError:
        return False
    if classify_content(file.path, data) is not None:
        return stamp is not None
    return stamp is None or stamp.digest != content_digest(data)
