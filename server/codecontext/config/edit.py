"""Writes a setting into a project file and preserves the rest of it, comments included."""

from __future__ import annotations

from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from codecontext.core.atomic import write_file
from codecontext.core.errors import ConfigError, StoreError
from codecontext.core.paths import project_config_file
from codecontext.core.reading import read_text_file


def set_project_setting(folder: Path, key: str, value: Any) -> Path:
    """Set the dotted ``key`` in the project file of ``folder`` to ``value``, or remove it for None; returns the file.

    Raises ``ConfigError`` for a file that is not TOML, and ``StoreError`` if it cannot be written.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    file = project_config_file(folder)
    *sections, name = key.split(".")
    try:
        document = tomlkit.parse(read_text_file(file)) if file.exists() else tomlkit.document()
        if value is None:
            _remove(document, sections, name)
        else:
            _section(document, sections)[name] = value
        text = tomlkit.dumps(document)
    except RecursionError as error:
        raise ConfigError(f"{file}: is nested too deeply; settings have at most three levels.") from error
    except OSError as error:
        raise ConfigError(
            f"{file}: cannot be read: {error.strerror}.", "Fix the file and try again; nothing was changed."
        ) from error
    except (TOMLKitError, ValueError) as error:
        raise ConfigError(
            f"{file}: broken TOML: {error}.", "Fix the file and try again; nothing was changed."
        ) from error
    except TypeError as error:
        raise ConfigError(f"{file}: {'.'.join(sections)} should be a section that contains settings.") from error
    if value is not None or file.is_file():
        _write(file, text)
    return file


def _section(document: MutableMapping[str, Any], names: list[str]) -> MutableMapping[str, Any]:
    """The table at ``names``, created where it is missing. Raises ``TypeError`` where something else is there."""
    import tomlkit

    table = document
    for position, name in enumerate(names):
        if name not in table:
            # Tables that only contain tables get no header.
            table[name] = tomlkit.table(is_super_table=position < len(names) - 1)
        table = table[name]
        if not isinstance(table, MutableMapping):
            raise TypeError(name)
    return table


def _remove(document: MutableMapping[str, Any], names: list[str], key: str) -> None:
    table: Any = document
    for name in names:
        table = table.get(name)
        if not isinstance(table, MutableMapping):
            return
    table.pop(key, None)


def _write(file: Path, text: str) -> None:
    """Replace the file in one step."""
    try:
        write_file(file.resolve(), text)
    except OSError as error:
        raise StoreError(f"{file} cannot be written: {error.strerror}.", "Check the file's permissions.") from error
