"""The words of an index: a tantivy index that is derived from the chunks and can be made again at any time.

A document is a chunk, named by the version of its file and its place in it. Terms are split before they come here
(``core/terms.py``), since no stock tokenizer splits identifiers; tantivy folds accents and takes stems.
"""

from __future__ import annotations

import errno
import re
import threading
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import tantivy
from tantivy import Occur, Query

from codecontext.core.errors import CodeContextError, IndexCorrupt, StoreError
from codecontext.core.private import make_private
from codecontext.store.terms import TERM_FIELDS

_LIST_OF_FILES = "meta.json"
_HEAP_BYTES = 48_000_000
_TOKENIZER = "terms"
_DECIMALS = 4
"""Of a score; the rest depends on the order in which its parts were added up."""
_MAX_EQUALS = 5_000
"""Matches that are looked through to find all that share one score."""
_DISK_WORDS = re.compile("no space left|file too large|quota exceeded|read-only file|permission denied", re.IGNORECASE)
_SHORTAGE_WORDS = re.compile(
    "too many open files|cannot allocate memory|temporarily unavailable|LockBusy", re.IGNORECASE
)
_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EACCES}
_SHORTAGES = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN}


@dataclass(frozen=True, slots=True)
class WordMatch:
    """A chunk that has some of the terms: version of its file, place among that file's chunks, BM25."""

    file: int
    ordinal: int
    score: float


@dataclass(frozen=True, slots=True)
class WordFilter:
    """Which chunks count: None for no condition."""

    files: Collection[int] | None = None
    languages: Collection[str] | None = None
    kinds: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class WordDocument:
    """What is indexed of a chunk; ``terms`` by field."""

    file: int
    ordinal: int
    language: str
    kind: str
    terms: tuple[str, str, str]


class WordIndex:
    """The documents in one directory. Any number of threads may search; one at a time writes.

    Every method raises ``IndexCorrupt`` where the files cannot be read, and ``StoreError`` where the system refuses.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._lock = threading.Lock()
        self._index: tantivy.Index | None = None
        self._seen: object = None
        self._writer: tantivy.IndexWriter | None = None

    def search(
        self,
        terms: Sequence[str],
        weights: Mapping[str, float],
        *,
        limit: int,
        where: WordFilter,
        state: object,
    ) -> list[WordMatch]:
        """The ``limit`` chunks with the highest BM25, summed over the weighted fields.

        All that share the score of the last one come with it, in no order. ``state`` is anything that changes when
        somebody has written.
        """
        with self._errors():
            searcher = self._searcher(state)
            query = _query(terms, weights, where)
            wanted = limit
            while True:
                hits = searcher.search(query, limit=wanted + 1, count=False).hits
                scores = [round(score, _DECIMALS) for score, _address in hits]
                # The list ends within a group of equals: which of them were left out is chance.
                if len(hits) <= wanted or scores[wanted] != scores[limit - 1] or wanted >= _MAX_EQUALS:
                    break
                wanted *= 4
            addresses = [address for _score, address in hits]
            files = searcher.fast_field_values("file", addresses)
            ordinals = searcher.fast_field_values("ordinal", addresses)
        return [WordMatch(*values) for values in zip(files, ordinals, scores, strict=True)]

    def replace(self, removed: Iterable[int], added: Iterable[WordDocument]) -> None:
        """Forget the file versions ``removed`` and add documents; nothing of it is seen before ``commit``."""
        with self._errors():
            writer = self._writing()
            for file in removed:
                writer.delete_documents_by_query(Query.term_query(_schema(), "file", file))
            for document in added:
                writer.add_document(_document(document))

    def commit(self) -> None:
        """Write what was added and removed."""
        with self._errors():
            self._writing().commit()

    def finish(self) -> None:
        """End writing: wait for what is being merged, and free the memory."""
        writer, self._writer = self._writer, None
        if writer is not None:
            with self._errors():
                writer.wait_merging_threads()

    def abandon(self) -> None:
        """Drop what was not committed."""
        self._writer = None

    def count(self) -> int:
        """Number of documents."""
        with self._errors():
            return int(self._searcher(object()).num_docs)

    def checksums(self, known: Mapping[str, int]) -> dict[str, int]:
        """CRC-32 of each file that a search reads, by name; of those that do not change it is taken from ``known``."""
        written_once = {name: value for name, value in known.items() if name != _LIST_OF_FILES}
        with self._errors():
            return {
                file.name: written_once.get(file.name) or zlib.crc32(file.read_bytes())
                for file in sorted(self.directory.iterdir())
                if file.is_file() and not file.name.startswith(".")
            }

    def _searcher(self, state: object) -> tantivy.Searcher:
        with self._lock:
            if self._index is None:
                self._index = self._open()
                self._index.config_reader("manual")
                self._seen = None
            if self._seen != state:
                self._index.reload()
                self._seen = state
            return self._index.searcher()

    def _writing(self) -> tantivy.IndexWriter:
        if self._writer is None:
            self._writer = self._open(create=True).writer(_HEAP_BYTES, num_threads=1)
        return self._writer

    def _open(self, *, create: bool = False) -> tantivy.Index:
        if create:
            make_private(self.directory)
        if create and not tantivy.Index.exists(str(self.directory)):
            index = tantivy.Index(_schema(), str(self.directory))
        else:
            index = tantivy.Index.open(str(self.directory))
        index.register_tokenizer(_TOKENIZER, _analyzer())
        return index

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except CodeContextError:
            raise
        except BaseException as error:
            # What the library does not expect ends in a panic, which is no Exception.
            if not isinstance(error, ValueError | OSError | RuntimeError) and type(error).__name__ != "PanicException":
                raise
            self._index = self._writer = None
            raise _explained(self.directory, error) from error


def _query(terms: Sequence[str], weights: Mapping[str, float], where: WordFilter) -> Query:
    stems = _analyzer().analyze(" ".join(terms))
    matches = Query.boolean_query(
        [
            (Occur.Should, Query.boost_query(Query.term_query(_schema(), field, stem, "freq"), weight))
            for field, weight in weights.items()
            if weight > 0
            for stem in stems
        ]
    )
    conditions = [
        Query.term_set_query(_schema(), field, list(values))
        for field, values in (("file", where.files), ("language", where.languages), ("kind", where.kinds))
        if values is not None
    ]
    if not conditions:
        return matches
    return Query.boolean_query(
        [(Occur.Must, matches), *((Occur.Must, Query.const_score_query(query, 0.0)) for query in conditions)]
    )


def _document(source: WordDocument) -> tantivy.Document:
    document = tantivy.Document()
    document.add_unsigned("file", source.file)
    document.add_unsigned("ordinal", source.ordinal)
    document.add_text("language", source.language)
    document.add_text("kind", source.kind)
    for field, terms in zip(TERM_FIELDS, source.terms, strict=True):
        document.add_text(field, terms)
    return document


@cache
def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("file", indexed=True, fast=True)
    builder.add_unsigned_field("ordinal", fast=True)
    for field in ("language", "kind"):
        builder.add_text_field(field, tokenizer_name="raw", index_option="basic")
    for field in TERM_FIELDS:
        builder.add_text_field(field, tokenizer_name=_TOKENIZER, index_option="freq")
    return builder.build()


@cache
def _analyzer() -> tantivy.TextAnalyzer:
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
    return builder.filter(tantivy.Filter.ascii_fold()).filter(tantivy.Filter.stemmer("english")).build()


def _explained(directory: Path, error: BaseException) -> CodeContextError:
    text = str(error).strip().splitlines()[0][:200].rstrip(".") if str(error).strip() else type(error).__name__
    code: Any = getattr(error, "errno", None)
    if code in _DISK_ERRORS or _DISK_WORDS.search(str(error)):
        return StoreError(
            f"The disk refused to store the words of the index in {directory}: {text}.",
            "Free some space and run again; the previous index is intact.",
        )
    if code in _SHORTAGES or _SHORTAGE_WORDS.search(str(error)):
        return StoreError(
            f"The words of the index in {directory} are temporarily unavailable: {text}.",
            "Close some programs and try again; the index itself is intact.",
        )
    return IndexCorrupt(
        f"The words of the index in {directory} cannot be read: {text}.",
        "Run 'codecontext index': it makes them again from the index.",
    )
