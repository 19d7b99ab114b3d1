"""``codecontext adapter export``: copy an adapter to share it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, Field

from codecontext.cli import wording
from codecontext.cli.adapter.options import AdapterArgument, ProjectOption, project_folder, project_settings, resolve
from codecontext.cli.console import print_facts, print_json, stdout
from codecontext.cli.options import JsonOption
from codecontext.core.printable import printable


class ExportOutput(BaseModel):
    """What ``adapter export --json`` prints."""

    name: str = Field(description="The adapter.")
    target: str = Field(description="The folder or archive that was written.")
    files: list[str] = Field(description="The files in it.")
    size_bytes: int = Field(description="Their size.")


def export(
    adapter: AdapterArgument,
    target: Annotated[
        Path,
        typer.Argument(metavar="TARGET", help="New folder, or new archive ending in .zip.", show_default=False),
    ],
    folder: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy an adapter to a folder or zip archive, to share it.

    Leaves out reports, which quote queries and names from the code, and the digests of the training queries.
    """
    from codecontext.adapters.places import BASE
    from codecontext.core.errors import AdapterError
    from codecontext.training.release.export import export_adapter

    project = project_folder(folder)
    path = resolve(adapter, project, project_settings(project))
    if path is None:
        raise AdapterError(f"'{BASE}' is the base model, not an adapter.", "Name an adapter to export.")
    files = export_adapter(path, target)
    output = ExportOutput(name=path.name, target=str(target), files=list(files), size_bytes=sum(files.values()))
    if as_json:
        print_json(output)
    else:
        stdout().print(printable(f"Exported {output.name} to {output.target}."), style="bold")
        print_facts([("Files", ", ".join(output.files)), ("Size", wording.size(output.size_bytes))])
