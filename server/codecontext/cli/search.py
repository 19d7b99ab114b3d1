"""``codecontext search``: find code by a question or a name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from codecontext.cli.options import ExplainOption, JsonOption, LimitOption
from codecontext.core.chunk import ChunkKind

_KINDS = [kind.value for kind in ChunkKind]


def search(
    query: Annotated[list[str], typer.Argument(metavar="QUERY", help="A question in plain words, or a symbol's name.")],
    limit: LimitOption = None,
    languages: Annotated[
        list[str] | None,
        typer.Option("--lang", metavar="LANGUAGE", help="Only this language; repeatable. '!LANGUAGE' leaves it out."),
    ] = None,
    paths: Annotated[
        list[str] | None,
        typer.Option(
            "--path",
            metavar="GLOB",
            help="Only files whose path matches; repeatable. '!GLOB' leaves files out.",
        ),
    ] = None,
    kinds: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            metavar="KIND",
            help=f"Only this kind of chunk ({', '.join(_KINDS)}); repeatable. '!KIND' leaves it out.",
            autocompletion=lambda: _KINDS,
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--folder",
            metavar="DIR",
            help="The indexed folder to search. Without it: the nearest one from here upwards.",
        ),
    ] = None,
    explain: ExplainOption = False,
    as_json: JsonOption = False,
) -> None:
    """Find code by a question or a name.

    The query may hold filters too, as in "lock lang:python path:src/** -path:tests kind:method";
    a minus before a filter leaves out what it names.
    """
    from codecontext.cli.hits import answer
    from codecontext.cli.session import open_engine
    from codecontext.engine.folders import existing_folder, indexed_folder, with_index

    place = with_index(existing_folder(folder)) if folder else indexed_folder(Path.cwd())
    text = " ".join(query)
    with open_engine(place, log_level="critical") as engine:
        response = engine.search(text, limit=limit, languages=languages or (), paths=paths or (), kinds=kinds or ())
    answer(response, place, text, explain=explain, as_json=as_json)
