"""Short results that take a while to compute, remembered below the CodeContext home for the next start.

Each is a small file of its own, named by a digest of everything that decides it. Whoever reads one checks it: a file
that is half written or damaged only costs the time to compute it again.
"""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

from codecontext.core import content_digest
from codecontext.core.hashing import file_sha256
from codecontext.core.paths import codecontext_home
from codecontext.core.private import create_private, make_private

logger = logging.getLogger(__name__)

_HEX_DIGITS = frozenset("0123456789abcdef")
_SHA256_LENGTH = 64

# What is hashed in a millisecond is not worth a file.
_LARGE_BYTES = 4_000_000

# Times of files advance in steps, of two seconds in the coarsest file systems. A file that was written to within one
# step of being hashed could change again without its times telling.
_STEP_NS = 2_000_000_000

# Elsewhere ``st_ctime`` is when a file was made, which does not tell that it was changed.
_KNOWS_CHANGES = os.name == "posix"


def recall(kind: str, key: str) -> str:
    """What was remembered; empty where that is nothing, or nothing that can be read."""
    try:
        return _place(kind, key).read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""


def remember(kind: str, key: str, result: str) -> None:
    """Keep a short result. Where that fails, the next start computes it again."""
    place = _place(kind, key)
    try:
        make_private(place.parent)
        create_private(place)
        place.write_text(result, encoding="ascii")
    except OSError as error:
        logger.debug("%s cannot be written, so the next start takes longer: %s", place, error)


def remembered_sha256(file: Path) -> str:
    """SHA-256 of a regular file, computed again once the file has changed. Raises ``OSError``.

    No program can set the time of a file's last change (``st_ctime``), so a file with the same inode, size and times
    has the same content.
    """
    before = _stamp(file)
    key = content_digest(*before)
    if _may_remember(file) and _is_sha256(known := recall("digests", key)):
        return known
    digest = file_sha256(file)
    if _may_remember(file) and _stamp(file) == before:
        remember("digests", key, digest)
    return digest


def _may_remember(file: Path) -> bool:
    status = file.stat()
    is_settled = abs(time.time_ns() - status.st_ctime_ns) > _STEP_NS
    return _KNOWS_CHANGES and status.st_size >= _LARGE_BYTES and is_settled


def _stamp(file: Path) -> tuple[str, ...]:
    real = file.resolve()
    status = real.stat()
    numbers = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return str(real), *map(str, numbers)


def _is_sha256(text: str) -> bool:
    return len(text) == _SHA256_LENGTH and set(text) <= _HEX_DIGITS


def _place(kind: str, key: str) -> Path:
    return codecontext_home() / "cache" / kind / key
