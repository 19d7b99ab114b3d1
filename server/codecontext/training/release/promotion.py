"""Sets which adapter a project uses."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, Field

from codecontext.adapters import inspect_adapter
from codecontext.config import load_settings
from codecontext.config.edit import set_project_setting
from codecontext.core.errors import TrainingError
from codecontext.core.paths import expand_user
from codecontext.training.evaluation.results import MAIN_METRIC, METRIC_NAMES, Evaluation, described_change

ADAPTER_KEY = "embeddings.huggingface.lora_adapter_path"


class Promotion(BaseModel):
    """What was written where."""

    folder: str = Field(description="The project.")
    adapter: str | None = Field(description="Folder of the adapter it uses now; null for the base model.")
    before: str | None = Field(description="The value before.")
    file: str = Field(description="The settings file that was written.")
    written: str = Field(description="The value in the file: a path, relative where the adapter is in the project.")
    overridden_by: str | None = Field(None, description="A source of settings that overrides the project file.")
    evaluation: Evaluation | None = Field(None, description="What --if-better measured.")


def require_gain(evaluation: Evaluation) -> None:
    """Raise ``TrainingError`` unless the adapter improves the whole search significantly."""
    if not evaluation.helps_search:
        gain = evaluation.deciding.search[MAIN_METRIC].gain
        change = described_change(gain, METRIC_NAMES[MAIN_METRIC], evaluation.against.name)
        raise TrainingError(
            f"{evaluation.adapter.name} was not activated because it does not improve search significantly: the whole "
            f"search {change} (95 % interval {gain.low:+.3f} to {gain.high:+.3f}).",
            "Run the command without --if-better to use it anyway, or train with more pairs.",
        )


def promote(folder: Path, adapter: Path | None) -> Promotion:
    """Write into the project file of ``folder`` that it uses ``adapter``, or none.

    Raises ``AdapterError`` for an invalid adapter, ``ConfigError`` and ``StoreError`` for the file.
    """
    before = _configured(folder)
    if adapter is not None:
        inspect_adapter(adapter)
        written = _spelled(adapter, folder)
        file = set_project_setting(folder, ADAPTER_KEY, written)
    else:
        written = ""
        file = set_project_setting(folder, ADAPTER_KEY, None)
        if _configured(folder) is not None and _origin(folder)[0] == "user":
            # The user's own file names one, and this project wants none.
            file = set_project_setting(folder, ADAPTER_KEY, "")
    now = _configured(folder)
    wanted = str(adapter.resolve()) if adapter else None
    return Promotion(
        folder=str(folder),
        adapter=str(adapter) if adapter else None,
        before=before,
        file=str(file),
        written=written,
        overridden_by=None if _same(now, wanted) else _origin(folder)[1] or "another settings source",
    )


def used_adapter(folder: Path) -> Path | None:
    """Folder of the adapter that the settings of ``folder`` name, whether or not it is there."""
    configured = _configured(folder)
    return Path(configured) if configured else None


def _configured(folder: Path) -> str | None:
    """What the settings name now, whether or not it is there."""
    return load_settings(folder).settings.embeddings.huggingface.lora_adapter_path


def _origin(folder: Path) -> tuple[str, str]:
    """Kind and place of the source that decides which adapter is used."""
    origin = load_settings(folder).origins[ADAPTER_KEY]
    return origin.kind, origin.where


def _same(first: str | None, second: str | None) -> bool:
    if first is None or second is None:
        return first is second
    return Path(first).resolve() == Path(second).resolve()


def _spelled(adapter: Path, folder: Path) -> str:
    """``adapter`` as others who have the project can read it too, where it is in the project or at home."""
    adapter = adapter.absolute()
    if adapter.is_relative_to(folder):
        return adapter.relative_to(folder).as_posix()
    home = expand_user("~")
    return f"~/{adapter.relative_to(home).as_posix()}" if adapter.is_relative_to(home) else str(adapter)
