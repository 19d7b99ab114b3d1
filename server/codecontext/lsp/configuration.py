"""Settings as editors send them: with the first message, pushed on every change, or pulled for each folder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from codecontext.lsp.folders import Folder

SECTION = "codecontext"
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_FOLDER_VARIABLE = "${workspaceFolder}"


class Configuration:
    """The latest settings of the editor: pulled for a folder, else pushed, else those of the first message."""

    def __init__(self) -> None:
        self._initial: dict[str, Any] = {}
        self._pushed: dict[str, Any] | None = None
        self._pulled: dict[str, dict[str, Any]] = {}

    def begin_with(self, settings: Mapping[str, Any]) -> None:
        """Keep the settings of the first message."""
        self._initial = dict(settings)

    def push(self, settings: Any) -> None:
        """Keep our section of a ``workspace/didChangeConfiguration``; some editors send all of their settings."""
        section = settings.get(SECTION) if isinstance(settings, Mapping) else None
        if isinstance(section, Mapping):
            self._pushed = dict(section)

    def pull(self, folder: Folder, settings: Any) -> None:
        """Keep the editor's response for a folder; null, which is none, leaves its other settings in force."""
        if isinstance(settings, Mapping):
            self._pulled[folder.uri] = dict(settings)
        else:
            self._pulled.pop(folder.uri, None)

    def of(self, folder: Folder) -> dict[str, Any]:
        """Settings of a folder, nested and named like ours.

        What is unset in the editor (null) is left to the other sources of settings.
        """
        said = self._pulled.get(folder.uri)
        if said is None:
            said = self._pushed if self._pushed is not None else self._initial
        return _ours(said, folder)


def _ours(values: Mapping[str, Any], folder: Folder) -> dict[str, Any]:
    ours: dict[str, Any] = {}
    for name, value in values.items():
        key = _HUMP.sub("_", str(name)).lower()
        if isinstance(value, Mapping):
            ours[key] = _ours(value, folder)
        elif isinstance(value, str):
            ours[key] = value.replace(_FOLDER_VARIABLE, str(folder.path))
        elif value is not None:
            ours[key] = value
    return ours
