"""A chunk as rows of the database, and back."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator
from typing import Any

from codecontext.core.chunk import Chunk, ChunkKind
from codecontext.core.errors import IndexCorrupt
from codecontext.store.layout import Layout, key_of, ordinal_of, unpack
from codecontext.store.terms import terms_of_chunk
from codecontext.store.words import WordDocument

_TEXT_LEVEL = 1

Labels = dict[int, str]
"""Code → language or kind."""


def labels_in(connection: sqlite3.Connection) -> Labels:
    """The names of all codes."""
    return dict(connection.execute("SELECT code, name FROM labels"))


def layout_of(connection: sqlite3.Connection, file: int) -> tuple[str, Layout] | None:
    """Path and layout of one version of a file; None where it is gone."""
    row = connection.execute("SELECT path, layout FROM files WHERE id = ?", (file,)).fetchone()
    return (row[0], unpack(row[1])) if row is not None else None


def chunk_row(key: int, row: dict[str, Any]) -> tuple[object, ...]:
    """A row of ``chunks``."""
    text = zlib.compress(row["text"].encode(), _TEXT_LEVEL)
    return key, row["symbol"], row["qualified_name"], row["signature"], row["doc"], text


def read_chunk(connection: sqlite3.Connection, key: int, place: tuple[str, Layout], labels: Labels) -> Chunk | None:
    """The chunk ``key``; None where it is gone."""
    row = connection.execute(
        "SELECT symbol, qualified_name, signature, doc, text FROM chunks WHERE key = ?", (key,)
    ).fetchone()
    if row is None:
        return None
    path, layout = place
    record = layout[ordinal_of(key)]
    return Chunk(
        path=path,
        language=labels[int(record["language"])],
        kind=ChunkKind(labels[int(record["kind"])]),
        start_line=int(record["start"]),
        end_line=int(record["end"]),
        text=_text(row[4]),
        symbol=row[0],
        qualified_name=row[1],
        signature=row[2],
        doc=row[3],
    )


def documents_of(
    connection: sqlite3.Connection, file: int, place: tuple[str, Layout], labels: Labels
) -> Iterator[WordDocument]:
    """What the words hold of one version of a file."""
    path, layout = place
    rows = connection.execute(
        "SELECT key, symbol, qualified_name, text FROM chunks WHERE key >= ? AND key < ?",
        (key_of(file, 0), key_of(file + 1, 0)),
    )
    for key, symbol, qualified_name, text in rows:
        record = layout[ordinal_of(key)]
        terms = terms_of_chunk(qualified_name or symbol, path, _text(text))
        yield WordDocument(file, ordinal_of(key), labels[int(record["language"])], labels[int(record["kind"])], terms)


def _text(stored: bytes) -> str:
    try:
        return zlib.decompress(stored).decode()
    except (zlib.error, UnicodeDecodeError) as error:
        raise IndexCorrupt(
            f"A text of the index cannot be read: {error}.", "Run 'codecontext index --force' to rebuild the index."
        ) from error
