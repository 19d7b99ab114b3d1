"""The settings that are in force for an open folder: the last good ones, whatever the sources say now."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from codecontext.config import Settings, load_settings
from codecontext.core.errors import ConfigError
from codecontext.engine.folder_state import Problem, ProblemKind
from codecontext.rpc.messages import FolderSetup


@dataclass(frozen=True, slots=True)
class FolderSettings:
    """Settings in force, and what is wrong with the newest ones."""

    settings: Settings
    problem: Problem | None = None
    """Why the newest settings are not in force."""
    warnings: tuple[str, ...] = ()

    @property
    def adapter(self) -> Path | None:
        """Folder of the configured adapter, whether or not it exists."""
        path = self.settings.embeddings.huggingface.lora_adapter_path
        return Path(path) if path else None


def read_folder_settings(setup: FolderSetup, last_good: FolderSettings | None) -> FolderSettings:
    """The newest settings; while they are invalid the ``last_good`` ones, or the defaults."""
    try:
        loaded = load_settings(Path(setup.folder), editor=setup.editor, trusted=setup.trusted)
    except ConfigError as error:
        kept = "The last good settings stay in force." if last_good else "The defaults are in force."
        problem = Problem(kind=ProblemKind.SETTINGS, message=error.sentence, hint=f"{error.hint} {kept}".lstrip())
        return FolderSettings(last_good.settings if last_good else Settings(), problem)
    return FolderSettings(loaded.settings, warnings=tuple(loaded.warnings))
