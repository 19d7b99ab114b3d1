"""``codecontext adapter list``: list the available adapters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from codecontext.cli import wording
from codecontext.cli.adapter.options import ProjectOption, project_folder, project_settings
from codecontext.cli.console import print_columns, print_json, print_label, shown_path
from codecontext.cli.options import JsonOption
from codecontext.training.evaluation.results import Interval

if TYPE_CHECKING:
    from codecontext.adapters import AdapterInfo, InvalidAdapter


class ListedAdapter(BaseModel):
    """One adapter."""

    name: str = Field(description="Its name.")
    path: str = Field(description="Its folder.")
    in_use: bool = Field(description="Whether the project's settings name it.")
    problem: str | None = Field(None, description="Why it cannot be used; null for a valid one.")
    side: str = Field("", description="Which texts it is for: `query` or `both`.")
    base_model: str = Field("", description="The base model it was made for.")
    rank: int = Field(0, description="Its rank.")
    size_bytes: int = Field(0, description="Size of its files.")
    fingerprint: str = Field("", description="Digest of its content.")
    trained_on: str | None = Field(None, description="Name of the folder that CodeContext trained it on.")
    created: str | None = Field(None, description="When it was trained.")
    search_gain: Interval | None = Field(
        None, description="Gain in MRR@10 of the whole search, as measured in training."
    )


class AdapterListOutput(BaseModel):
    """What ``adapter list --json`` prints."""

    folder: str = Field(description="The project.")
    places: list[str] = Field(description="Folders that were searched.")
    adapters: list[ListedAdapter] = Field(description="The adapters, by path.")
    base_in_use: bool = Field(description="Whether the base model alone is in use.")


def list_adapters(folder: ProjectOption = None, as_json: JsonOption = False) -> None:
    """List the adapters that can be used by name. Loads no model."""
    from codecontext.adapters.places import adapter_places
    from codecontext.training.release.promotion import used_adapter

    project = project_folder(folder)
    places = adapter_places(project, project_settings(project).adapters.folders)
    used = used_adapter(project)
    output = AdapterListOutput(
        folder=str(project),
        places=[str(place) for place in places],
        adapters=_adapters([*places, *([used] if used else [])], used),
        base_in_use=used is None,
    )
    if as_json:
        print_json(output)
    else:
        _print_output(output)


def _adapters(places: list[Path], used: Path | None) -> list[ListedAdapter]:
    from codecontext.adapters import discover_adapters

    return [_listed(found, used) for found in discover_adapters(places)]


def _listed(found: AdapterInfo | InvalidAdapter, used: Path | None) -> ListedAdapter:
    from codecontext.adapters import InvalidAdapter
    from codecontext.training.release.artifact import read_record

    in_use = used is not None and found.path.resolve() == used.resolve()
    if isinstance(found, InvalidAdapter):
        return ListedAdapter(name=found.path.name, path=str(found.path), in_use=in_use, problem=found.reason)
    record = read_record(found.path)
    return ListedAdapter(
        name=found.name,
        path=str(found.path),
        in_use=in_use,
        side=found.side.value,
        base_model=found.base_model,
        rank=found.rank,
        size_bytes=found.size_bytes,
        fingerprint=found.fingerprint,
        trained_on=record.folder if record else None,
        created=record.created if record else None,
        search_gain=record.search_gain if record else None,
    )


def _print_output(output: AdapterListOutput) -> None:
    rows = [(_mark(output.base_in_use), "base", "base model only", "", "")]
    rows += [
        (
            _mark(item.in_use),
            item.name,
            item.problem or f"{item.side}, rank {item.rank}, {wording.size(item.size_bytes)}",
            _gain(item.search_gain),
            shown_path(Path(item.path)),
        )
        for item in output.adapters
    ]
    print_columns(rows, ("green", "bold", "", "", "dim"))
    if not output.adapters:
        print_label("Note", f"no adapters in {', '.join(output.places)}. Create one with 'codecontext adapter train'.")


def _mark(in_use: bool) -> str:
    return "*" if in_use else " "


def _gain(gain: Interval | None) -> str:
    return f"{gain.mean:+.3f} MRR@10" if gain else ""
