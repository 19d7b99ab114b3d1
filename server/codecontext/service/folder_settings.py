"""The settings that a served folder goes by: the last good ones, whatever the sources say now."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from codecontext.config import LoadedSettings, Settings, configured_value, load_settings
from codecontext.core.errors import ConfigError
from codecontext.core.paths import expand_user
from codecontext.engine.folder_state import Problem, ProblemKind
from codecontext.rpc.messages import FolderSetup

_ADAPTER_KEY = "embeddings.huggingface.lora_adapter_path"


@dataclass(frozen=True, slots=True)
class FolderSettings:
    """Settings in force, the adapter they name, and what is wrong with them."""

    settings: Settings
    adapter: Path | None
    """Folder of the adapter that is wanted, whether or not it is there."""
    problem: Problem | None = None
    """Why the newest settings are not in force."""
    warnings: tuple[str, ...] = ()


def read_folder_settings(setup: FolderSetup, last_good: FolderSettings | None) -> FolderSettings:
    """The newest settings; where they are at fault the ``last_good`` ones, or the defaults.

    An adapter that is not there, or not yet, is no fault of the settings: it is waited for.
    """
    folder = Path(setup.folder)
    try:
        return _in_force(load_settings(folder, editor=setup.editor, trusted=setup.trusted))
    except ConfigError as error:
        invalid = error
    try:
        adapter = configured_value(_ADAPTER_KEY, folder, editor=setup.editor, trusted=setup.trusted)
        if isinstance(adapter, str):
            loaded = load_settings(folder, editor=_without_adapter(setup.editor), trusted=setup.trusted)
            return FolderSettings(loaded.settings, expand_user(adapter), None, tuple(loaded.warnings))
    except ConfigError:
        pass  # it is not the adapter, or not the adapter alone
    settings = last_good.settings if last_good else Settings()
    kept = "The last good settings stay in force." if last_good else "The defaults are in force."
    problem = Problem(kind=ProblemKind.SETTINGS, message=invalid.sentence, hint=f"{invalid.hint} {kept}".lstrip())
    return FolderSettings(settings, last_good.adapter if last_good else None, problem)


def _in_force(loaded: LoadedSettings) -> FolderSettings:
    path = loaded.settings.embeddings.huggingface.lora_adapter_path
    return FolderSettings(loaded.settings, Path(path) if path else None, None, tuple(loaded.warnings))


def _without_adapter(editor: dict[str, object]) -> dict[str, object]:
    """The editor's settings, strongest of all, saying that there is no adapter."""
    embeddings = _section(editor, "embeddings")
    huggingface = _section(embeddings, "huggingface")
    return {**editor, "embeddings": {**embeddings, "huggingface": {**huggingface, "lora_adapter_path": None}}}


def _section(values: dict[str, object], name: str) -> dict[str, object]:
    section = values.get(name)
    return section if isinstance(section, dict) else {}
