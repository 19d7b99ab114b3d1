"""``codecontext config``: which settings are in effect, and where each comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel, Field

from codecontext.cli.console import print_columns, print_json, print_label, stdout
from codecontext.cli.errors import ReportingCommand
from codecontext.cli.options import FolderOption, JsonOption
from codecontext.core.printable import json_for_people, printable

app = typer.Typer(help="Show and check settings.", no_args_is_help=True, add_completion=False)


class SettingOutput(BaseModel):
    """One setting."""

    key: str
    value: Any = Field(description="The effective value.")
    source: str = Field(description="`editor`, `environment`, `project`, `user` or `default`.")
    where: str = Field(description="The file or variable that sets it; empty for a default.")


class ConfigShowOutput(BaseModel):
    """What ``config show --json`` prints."""

    folder: str
    settings: list[SettingOutput]
    warnings: list[str] = Field(description="Which settings are ignored, and why.")


class SettingsFile(BaseModel):
    """A settings file, whether or not it exists."""

    kind: str = Field(description="`project` or `user`.")
    path: str
    exists: bool


class ConfigPathOutput(BaseModel):
    """What ``config path --json`` prints."""

    files: list[SettingsFile] = Field(description="Highest precedence first.")


class ConfigValidateOutput(BaseModel):
    """What ``config validate --json`` prints for valid settings; for others it prints an error."""

    checked: list[str] = Field(description="The files that were checked.")
    warnings: list[str] = Field(description="Which settings are ignored, and why.")


@app.command(cls=ReportingCommand)
def show(folder: FolderOption = None, as_json: JsonOption = False) -> None:
    """Show every setting, its value and where it comes from."""
    from codecontext.cli.session import project_folder, read_settings

    place = project_folder(folder)
    loaded = read_settings(place)
    settings = [
        SettingOutput(key=key, value=value, source=loaded.origins[key].kind, where=loaded.origins[key].where)
        for key, value in loaded.values().items()
    ]
    if as_json:
        print_json(ConfigShowOutput(folder=str(place), settings=settings, warnings=loaded.warnings))
    else:
        print_columns([_row(setting) for setting in settings], ("", "bold", "dim"))


@app.command(cls=ReportingCommand)
def validate(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            show_default=False,
            help="The settings file to check. Defaults to all sources of the project.",
        ),
    ] = None,
    folder: FolderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a single settings file, or all sources together."""
    from codecontext.cli.session import project_folder, read_settings
    from codecontext.config import validate_file

    if file is not None:
        warnings = validate_file(file)
        for warning in warnings:
            print_label("Warning", warning)
        checked = [str(file)]
    else:
        place = project_folder(folder)
        warnings = read_settings(place).warnings
        checked = [item.path for item in _settings_files(place) if item.exists]
    if as_json:
        print_json(ConfigValidateOutput(checked=checked, warnings=warnings))
    else:
        files = " and ".join(map(str, checked)) or "no settings file; defaults and environment only"
        stdout().print(printable(f"The settings are valid ({files})."), soft_wrap=True)


@app.command(cls=ReportingCommand)
def path(folder: FolderOption = None, as_json: JsonOption = False) -> None:
    """Show where settings files are read from, highest precedence first."""
    from codecontext.cli.session import project_folder

    files = _settings_files(project_folder(folder))
    if as_json:
        print_json(ConfigPathOutput(files=files))
        return
    for item in files:
        missing = "" if item.exists else "  (does not exist)"
        stdout().print(printable(f"{item.kind:<7}  {item.path}{missing}"), soft_wrap=True)


def _settings_files(folder: Path) -> list[SettingsFile]:
    from codecontext.core.paths import project_config_file, user_config_file

    files = {"project": project_config_file(folder), "user": user_config_file()}
    return [SettingsFile(kind=kind, path=str(file), exists=file.is_file()) for kind, file in files.items()]


def _row(setting: SettingOutput) -> tuple[str, str, str]:
    value = "unset" if setting.value is None else json_for_people(setting.value)
    return setting.key, value, f"{setting.source} ({setting.where})" if setting.where else setting.source
