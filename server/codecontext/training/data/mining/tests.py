"""The name and documentation of a test → the code under test."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from codecontext.core.chunk import ChunkKind
from codecontext.core.terms import split_identifier
from codecontext.search.paths import PathRole
from codecontext.training.data.mining.repository import Repository, RepositoryFile
from codecontext.training.data.pairs import CodeSpan, Pair
from codecontext.training.data.wording import as_query, plain, shortened, spelled_out, words_of

SOURCE = "test"
WEIGHT = 0.5

MAX_PLACES = 2
_MIN_WORDS = 4
_LONGEST_TEST = 60
_WORD = re.compile(r"[A-Za-z_]\w+")
_SPEC = re.compile(r"\b(?:it|test|specify|scenario)(?:\.\w+)?\s*\(\s*(['\"`])((?:(?!\1).){8,160})\1")
_TEST_NAME = re.compile(r"^_*(?:tests?|should|it|spec)(?=_|[A-Z])_*|_*tests?$", re.IGNORECASE)
_COMMON = 0.1
"""Names in more than this share of all tests are tools of testing."""


@dataclass(frozen=True, slots=True)
class _Test:
    query: str
    words: frozenset[str]
    """Words of its body that could be names."""


def mine_tests(repository: Repository) -> Iterator[Pair]:
    """One pair for each test that says in words what it tests and names code whose name shares one of them."""
    tests = [test for file in repository.of_role(PathRole.TEST) for test in _tests(file)]
    mentions = Counter(word for test in tests for word in test.words)
    most = max(3.0, _COMMON * len(tests))
    for test in tests:
        names = [name for name in test.words if name in repository.defined and mentions[name] <= most]
        spans = _under_test(test, names, repository)
        if spans:
            yield Pair(query=test.query, code=spans, source=SOURCE, weight=WEIGHT)


def _tests(file: RepositoryFile) -> Iterator[_Test]:
    for definition in file.definitions:
        if definition.kind is ChunkKind.CLASS or not _TEST_NAME.search(definition.name):
            continue
        query = as_query(definition.doc) or spelled_out(_TEST_NAME.sub("", definition.name))
        yield from _test(query, file.lines[definition.header_line : definition.end_line])
    specs = [(row, match[2]) for row, line in enumerate(file.lines) if (match := _SPEC.search(line))]
    for (row, title), (following, _) in pairwise([*specs, (len(file.lines), "")]):
        yield from _test(shortened(plain(title)), file.lines[row + 1 : min(following, row + _LONGEST_TEST)])


def _test(query: str, body: list[str]) -> Iterator[_Test]:
    if len(query.split()) >= _MIN_WORDS:
        yield _Test(query, frozenset(_WORD.findall("\n".join(body))))


def _under_test(test: _Test, names: list[str], repository: Repository) -> tuple[CodeSpan, ...]:
    """The code whose name has most words in common with the test's, if it is one place or two."""
    asked = words_of(test.query)
    shared = {name: len(asked & set(split_identifier(name))) for name in names}
    most = max(shared.values(), default=0)
    if not most:
        return ()
    places = {
        (file.path, definition.header_line): file.span_of(definition)
        for name in sorted(names)
        if shared[name] == most
        for file, definition in repository.defined[name]
    }
    return tuple(places.values()) if len(places) <= MAX_PLACES else ()
