"""A comment above a block of code → the block."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codecontext.search.paths import PathRole
from codecontext.training.data.mining.repository import Repository, RepositoryFile
from codecontext.training.data.pairs import CodeSpan, HiddenText, Pair
from codecontext.training.data.wording import plain, sentences, shortened, words_of

SOURCE = "comment"
WEIGHT = 0.5

_MIN_WORDS = 5
_MIN_CODE_LINES = 3
_MAX_CODE_LINES = 30
_COMMENT = re.compile(r"\s*(?://+|#+(?![!\[])|--)\s?(.*)")
_CODE_IN_COMMENT = re.compile(
    r"[;{}]\s*$|^\s*(?:if|for|while|return|import|from|var|let|const|def|func)\b.*[(:=]|==|=>|\w\(\)"
)
_HASH_IS_NO_COMMENT = frozenset(
    ("c", "cpp", "csharp", "css", "scss", "java", "javascript", "typescript", "tsx", "objective_c", "rust", "go")
)


def mine_comments(repository: Repository) -> Iterator[Pair]:
    """One pair for each comment of a few words inside a function that stands above a block of code."""
    for file in repository.of_role(PathRole.SOURCE):
        spans = [span for item in file.definitions for span in item.doc_lines]
        documentation = {row for first, last in spans for row in range(first, last + 1)}
        for first, last in _comments(file):
            pair = _pair(file, first, last) if first not in documentation else None
            if pair is not None:
                yield pair


def _comments(file: RepositoryFile) -> Iterator[tuple[int, int]]:
    """First and last line of each run of lines that are nothing but comment."""
    first = 0
    for number, line in enumerate([*file.lines, ""], start=1):
        if _text_of(line, file.language) is not None:
            first = first or number
        elif first:
            yield first, number - 1
            first = 0


def _pair(file: RepositoryFile, first: int, last: int) -> Pair | None:
    around = file.definition_at(first)
    if around is None or first <= around.header_line:
        return None
    texts = [_text_of(line, file.language) or "" for line in file.lines[first - 1 : last]]
    if any(_CODE_IN_COMMENT.search(text) for text in texts):
        return None
    found = sentences(plain(" ".join(texts)))
    query = shortened(found[0]) if found else ""
    end = _end_of_block(file.lines, last, min(around.end_line, last + _MAX_CODE_LINES))
    if len(words_of(query)) < _MIN_WORDS or end - last < _MIN_CODE_LINES:
        return None
    span = CodeSpan(path=file.path, start_line=last + 1, end_line=end, name=around.qualified_name)
    hidden = HiddenText(path=file.path, start_line=first, end_line=last)
    return Pair(query=query, code=(span,), source=SOURCE, weight=WEIGHT, hidden=(hidden,))


def _end_of_block(lines: list[str], comment_end: int, limit: int) -> int:
    """The last line of the code below a comment: before a blank line or one that is less indented."""
    if comment_end >= limit:
        return comment_end
    indentation = _indentation(lines[comment_end])
    end = comment_end
    while end < limit and lines[end].strip() and _indentation(lines[end]) >= indentation:
        end += 1
    return end


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip())


def _text_of(line: str, language: str) -> str | None:
    """The words of a line that is a comment; None for any other."""
    match = _COMMENT.fullmatch(line)
    if match is None or (language in _HASH_IS_NO_COMMENT and line.lstrip().startswith("#")):
        return None
    if line.lstrip().startswith("--") and language not in {"sql", "lua", "haskell"}:
        return None
    return match[1]
