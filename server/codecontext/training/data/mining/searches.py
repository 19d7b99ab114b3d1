"""What was searched → what was opened, from the local log, for those who let it be kept (``search.keep_log``)."""

from __future__ import annotations

from collections.abc import Iterator

from codecontext.core.paths import search_log_file
from codecontext.search.log import SearchLog
from codecontext.training.data.mining.repository import Repository
from codecontext.training.data.pairs import CodeSpan, Pair

SOURCE = "search"
WEIGHT = 1.5


def mine_searches(repository: Repository) -> Iterator[Pair]:
    """One pair for each hit that was opened in a file that is still there."""
    for entry in SearchLog(search_log_file(repository.folder)).read():
        file = repository.files.get(entry.path)
        definition = file.definition_at(entry.start_line) if file else None
        if file is not None and entry.query.strip() and entry.start_line <= len(file.lines):
            name = definition.qualified_name if definition else ""
            span = CodeSpan(path=entry.path, start_line=entry.start_line, end_line=entry.end_line, name=name)
            yield Pair(query=entry.query, code=(span,), source=SOURCE, weight=WEIGHT)
