"""``codecontext search``: find code with a question or a symbol name."""

from __future__ import annotations

from typing import Annotated

import typer

from codecontext.cli.options import ExplainOption, FolderOption, JsonOption, LimitOption
from codecontext.core.chunk import ChunkKind

_KINDS = [kind.value for kind in ChunkKind]


def search(
    query: Annotated[list[str], typer.Argument(metavar="QUERY", help="A natural-language question or a symbol name.")],
    limit: LimitOption = None,
    languages: Annotated[
        list[str] | None,
        typer.Option(
            "--lang", metavar="LANGUAGE", help="Search only this language; repeatable. '!LANGUAGE' excludes it."
        ),
    ] = None,
    paths: Annotated[
        list[str] | None,
        typer.Option(
            "--path",
            metavar="GLOB",
            help="Search only files whose path matches; repeatable. '!GLOB' excludes them.",
        ),
    ] = None,
    kinds: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            metavar="KIND",
            help=f"Search only this kind of chunk ({', '.join(_KINDS)}); repeatable. '!KIND' excludes it.",
            autocompletion=lambda: _KINDS,
        ),
    ] = None,
    folder: FolderOption = None,
    explain: ExplainOption = False,
    as_json: JsonOption = False,
) -> None:
    """Find code with a question or a symbol name.

    The query may contain filters, as in "lock lang:python path:src/** -path:tests kind:method";
    a leading minus excludes what a filter matches.
    """
    from codecontext.cli.hits import print_response
    from codecontext.cli.session import open_engine, project_folder
    from codecontext.engine.folders import with_index

    place = with_index(project_folder(folder))
    text = " ".join(query)
    with open_engine(place, log_level="critical") as engine:
        response = engine.search(text, limit=limit, languages=languages or (), paths=paths or (), kinds=kinds or ())
    print_response(response, place, text, explain=explain, as_json=as_json)
