"""``codecontext similar``: find code similar to the code at a location."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from codecontext.cli.options import ExplainOption, JsonOption, LimitOption
from codecontext.core.errors import QueryError

_PLACE = re.compile(r"(?P<file>.+?):(?P<line>\d+)(:\d+)?")


def similar(
    place: Annotated[str, typer.Argument(metavar="FILE:LINE", help="A line of the code, such as src/app.py:42.")],
    limit: LimitOption = None,
    explain: ExplainOption = False,
    as_json: JsonOption = False,
) -> None:
    """Find code similar to the code at FILE:LINE."""
    from codecontext.cli.hits import print_response
    from codecontext.cli.session import open_engine
    from codecontext.engine.folders import indexed_folder

    file, line = _existing_line(place)
    folder = indexed_folder(file.parent)
    with open_engine(folder, log_level="critical") as engine:
        response = engine.similar(file.relative_to(folder).as_posix(), line, limit=limit)
    print_response(response, folder, "", explain=explain, as_json=as_json)


def _existing_line(place: str) -> tuple[Path, int]:
    """File and line of ``FILE:LINE``; a trailing column is ignored. Raises ``QueryError``."""
    from codecontext.core.decoding import decode_source
    from codecontext.core.paths import expand_user
    from codecontext.core.reading import MAX_SOURCE_BYTES, read_file

    match = _PLACE.fullmatch(place)
    if match is None:
        raise QueryError(f"'{place}' is not of the form FILE:LINE.", "Example: src/app.py:42.")
    file, line = expand_user(match["file"]).resolve(), int(match["line"])
    if not file.is_file():
        raise QueryError(
            f"There is no file '{match['file']}'.", "Give an absolute path or one relative to the current directory."
        )
    try:
        data = read_file(file, max_bytes=MAX_SOURCE_BYTES, follow_links=False)
    except OSError as error:
        raise QueryError(
            f"'{match['file']}' cannot be read: {error.strerror or error}.", "Choose an indexed file."
        ) from error
    lines = decode_source(data).removesuffix("\n").count("\n") + 1
    if not 1 <= line <= lines:
        raise QueryError(f"'{match['file']}' has no line {line}.", f"Its lines are 1 to {lines}.")
    return file, line
