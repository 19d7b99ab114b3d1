"""Documentation → the function or class that it describes."""

from __future__ import annotations

from collections.abc import Iterator

from codecontext.search.paths import PathRole
from codecontext.training.data.mining.repository import Repository
from codecontext.training.data.pairs import Pair
from codecontext.training.data.wording import as_query

SOURCE = "documentation"


def mine_documentation(repository: Repository) -> Iterator[Pair]:
    """One pair for each documented definition whose documentation can be hidden from its code."""
    for file in repository.of_role(PathRole.SOURCE):
        for definition in file.definitions:
            query = as_query(definition.doc, definition.name) if definition.doc else ""
            if query and definition.doc_is_apart:
                yield Pair(
                    query=query,
                    code=(file.span_of(definition),),
                    source=SOURCE,
                    hidden=file.hidden_documentation(definition),
                )
