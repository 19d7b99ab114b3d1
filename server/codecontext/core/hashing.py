"""Digests that name content. All are BLAKE2b (RFC 7693) in lower-case hex."""

from __future__ import annotations

import hashlib
from pathlib import Path

from codecontext.core.reading import open_file

CONTENT_DIGEST_BYTES = 16


def content_digest(*parts: str | bytes) -> str:
    """Digest of ``parts`` in order, 32 hex digits; the boundaries between parts count."""
    hasher = hashlib.blake2b(digest_size=CONTENT_DIGEST_BYTES)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        hasher.update(len(data).to_bytes(8, "little"))
        hasher.update(data)
    return hasher.hexdigest()


def file_sha256(path: Path, *, max_bytes: int | None = None) -> str:
    """SHA-256 of a regular file as publishers print it. Raises ``OSError`` when it cannot be read or is larger."""
    with open_file(path, max_bytes=max_bytes) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
