"""A chunk as rows of the database, and back."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator
from typing import Any

from codecontext.core.chunk import Chunk, ChunkKind
from codecontext.core.errors import IndexCorrupt
from codecontext.core.terms import joined_terms
from codecontext.store.layout import Layout, key_of, ordinal_of, unpack
from codecontext.store.terms import terms_of_chunk
from codecontext.store.words import WordDocument

_COLUMNS = "key, symbol, qualified_name, signature, doc, text"
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
    row = connection.execute(f"SELECT {_COLUMNS} FROM chunks WHERE key = ?", (key,)).fetchone()  # noqa: S608
    return _chunk(place, labels, row) if row is not None else None


def documents_of(
    connection: sqlite3.Connection, file: int, place: tuple[str, Layout], labels: Labels
) -> Iterator[WordDocument]:
    """What the words hold of one version of a file."""
    path_terms = joined_terms(place[0])
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM chunks WHERE key >= ? AND key < ?",  # noqa: S608
        (key_of(file, 0), key_of(file + 1, 0)),
    )
    for row in rows:
        chunk = _chunk(place, labels, row)
        terms = terms_of_chunk(chunk, path_terms)
        yield WordDocument(file, ordinal_of(row[0]), chunk.language, chunk.kind.value, terms)


def _chunk(place: tuple[str, Layout], labels: Labels, row: tuple[Any, ...]) -> Chunk:
    path, layout = place
    record = layout[ordinal_of(row[0])]
    return Chunk(
        path=path,
        language=labels[int(record["language"])],
        kind=ChunkKind(labels[int(record["kind"])]),
        start_line=int(record["start"]),
        end_line=int(record["end"]),
        text=_text(row[5]),
        symbol=row[1],
        qualified_name=row[2],
        signature=row[3],
        doc=row[4],
    )


def _text(stored: bytes) -> str:
    try:
        return zlib.decompress(stored).decode()
    except (zlib.error, UnicodeDecodeError) as error:
        raise IndexCorrupt(
            f"A text of the index cannot be read: {error}.", "Run 'codecontext index --force' to rebuild the index."
        ) from error
