"""Loads the settings of a folder from all their sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from codecontext.config.errors import describe_errors
from codecontext.config.settings import Settings
from codecontext.config.sources import (
    EditorSource,
    EnvironmentSource,
    OriginKind,
    ProjectFileSource,
    SettingsSource,
    UserFileSource,
    lookup,
)
from codecontext.config.tree import setting_rules
from codecontext.core.errors import ConfigError
from codecontext.core.paths import project_config_file, user_config_file


@dataclass(frozen=True, slots=True)
class Origin:
    """Which source a value comes from, and the file or variable; ``where`` is empty for a default."""

    kind: OriginKind
    where: str = ""


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """The settings in force, where each came from by dotted key, and sentences on what was ignored."""

    settings: Settings
    origins: dict[str, Origin] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def values(self) -> dict[str, Any]:
        """Every value as JSON, by dotted key, in the order of the reference."""
        tree = self.settings.model_dump(mode="json")
        return {rule.key: lookup(tree, tuple(rule.key.split(".")))[1] for rule in setting_rules()}


def load_settings(
    folder: Path | None, *, editor: Mapping[str, Any] | None = None, trusted: bool = True
) -> LoadedSettings:
    """Settings for ``folder``, or without one those of the user.

    Strongest first: ``editor`` (nested like the settings), the environment, the folder's
    ``.codecontext.toml``, the user's ``config.yaml``, the defaults. In a folder that is not ``trusted`` the
    project file cannot choose models, adapters or storage, and in no folder can it decide what only the user may;
    what it says about them is reported in ``warnings``. Relative paths are resolved against the file that contains
    them, those from the editor against ``folder``. What is at a path is not checked here.

    Raises ``ConfigError`` with one line for each error.
    """
    sources = _sources(folder, editor, trusted=trusted)
    settings = _validate(sources)
    return LoadedSettings(settings, _origins(sources), _warnings(sources))


def _sources(folder: Path | None, editor: Mapping[str, Any] | None, *, trusted: bool) -> list[SettingsSource]:
    """All sources, strongest first."""
    sources: list[SettingsSource] = [EditorSource(editor or {}, folder), EnvironmentSource()]
    if folder is not None:
        sources.append(ProjectFileSource(project_config_file(folder), trusted=trusted))
    return [*sources, UserFileSource(user_config_file())]


def validate_file(path: Path) -> list[str]:
    """Check one settings file on its own, by its suffix as a project's (TOML) or the user's (YAML).

    Returns a sentence for each setting that is ignored there. Raises ``ConfigError`` with one line for each error,
    also if there is no such file.
    """
    if not path.exists():
        raise ConfigError(f"{path}: this settings file does not exist.")
    sources: list[SettingsSource]
    match path.suffix:
        case ".toml":
            sources = [ProjectFileSource(path, trusted=True)]
        case ".yaml" | ".yml":
            sources = [UserFileSource(path)]
        case suffix:
            raise ConfigError(f'{path}: settings files end in .toml or .yaml, not "{suffix}".')
    _validate(sources)
    return _warnings(sources)


def _warnings(sources: Sequence[SettingsSource]) -> list[str]:
    return [warning for source in sources if isinstance(source, ProjectFileSource) for warning in source.warnings]


def _validate(sources: Sequence[SettingsSource]) -> Settings:
    """Let pydantic-settings merge ``sources``, strongest first, and check the result."""

    class SettingsFromSources(Settings):
        @classmethod
        def settings_customise_sources(  # type: ignore[override]  # none of the usual sources is wanted
            cls, _settings_cls: type[BaseSettings], **_usual: PydanticBaseSettingsSource
        ) -> tuple[SettingsSource, ...]:
            return tuple(sources)

    try:
        merged = SettingsFromSources()
    except ValidationError as error:
        raise ConfigError(describe_errors(error, sources)) from error
    # As plain Settings, so that two loads can be compared: pydantic tells apart values of different classes.
    return Settings.model_construct(**dict(merged))


def _origins(sources: Sequence[SettingsSource]) -> dict[str, Origin]:
    given = [(source, source()) for source in sources]
    origins: dict[str, Origin] = {}
    for rule in setting_rules():
        keys = tuple(rule.key.split("."))
        giver = next((source for source, values in given if lookup(values, keys)[0]), None)
        origins[rule.key] = Origin(giver.kind, giver.where(keys)) if giver else Origin("default")
    return origins
