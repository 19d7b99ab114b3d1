"""Where settings come from. Reading and merging are pydantic-settings' own.

Added here: each source can say where it found a key, a file that cannot be read gives one sentence, and relative
paths in a file are resolved against that file.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource, InitSettingsSource

from codecontext.config.settings import ENV_DELIMITER, ENV_PREFIX, Settings
from codecontext.config.tree import SettingRule, section_keys, setting_rules
from codecontext.core.errors import ConfigError
from codecontext.core.reading import read_text_file

if TYPE_CHECKING:  # most folders have neither file, so their parsers are imported by who reads one
    import yaml

OriginKind = Literal["editor", "environment", "project", "user", "default"]

# Variables with the prefix that are not settings.
_OTHER_VARIABLES = frozenset({"CODECONTEXT_HOME"})

_PATHS = frozenset({"embeddings.huggingface.lora_adapter_path"})
_PATHS_OR_NAMES = frozenset({"embeddings.huggingface.model_name"})
_PLACES = frozenset({*_PATHS, *_PATHS_OR_NAMES, "adapters.folders"})

Keys = tuple[str, ...]


class SettingsSource(Protocol):
    """A pydantic-settings source that can also say where it found a value."""

    kind: OriginKind

    def __call__(self) -> dict[str, Any]:
        """The values, as nested dictionaries."""
        ...

    def where(self, keys: Keys, /) -> str:
        """The file or variable that sets the value at ``keys``."""
        ...


def lookup(values: Any, keys: Keys) -> tuple[bool, Any]:
    """Whether there is a value at ``keys`` in nested dictionaries, and which."""
    for key in keys:
        if not isinstance(values, Mapping) or key not in values:
            return False, None
        values = values[key]
    return True, values


class EditorSource(InitSettingsSource):
    """Settings sent by the editor."""

    kind: OriginKind = "editor"

    def __init__(self, values: Mapping[str, Any], folder: Path | None) -> None:
        super().__init__(Settings, _with_absolute_paths(values, folder) if folder else dict(values))

    def where(self, _keys: Keys, /) -> str:
        """The editor does not tell which of its own files."""
        return "editor settings"


class EnvironmentSource(EnvSettingsSource):
    """Variables ``CODECONTEXT_SECTION__NAME``, parsed as JSON where the setting is a list or a table."""

    kind: OriginKind = "environment"

    def __init__(self) -> None:
        super().__init__(Settings)

    def __call__(self) -> dict[str, Any]:
        """Include variables that name no setting, which pydantic-settings would ignore, so that they are refused."""
        values = super().__call__()
        for variable in self._variables():
            section, *rest = _keys_of(variable)
            if section not in Settings.model_fields:
                unknown: Any = os.environ[variable]
                for key in reversed(rest):
                    unknown = {key: unknown}
                values.setdefault(section, unknown)
        return _with_absolute_paths(values, Path.cwd())

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """The JSON value, or the text itself if it is not JSON: validation then names the variable."""
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value

    def where(self, keys: Keys, /) -> str:
        """The variable of ``keys``, or the one that gives a whole section as JSON."""
        set_here = {_keys_of(variable): variable for variable in self._variables()}
        longest_first = (keys[:length] for length in range(len(keys), 0, -1))
        exact = next((set_here[part] for part in longest_first if part in set_here), None)
        inside = (variable for part, variable in set_here.items() if part[: len(keys)] == keys)
        return exact or next(inside, f"{ENV_PREFIX}*")

    def _variables(self) -> list[str]:
        return [
            name
            for name, value in os.environ.items()
            if name.upper().startswith(ENV_PREFIX) and name.upper() not in _OTHER_VARIABLES and value
        ]


class _FileSource(InitSettingsSource):
    """Values of one file; none if it does not exist."""

    path: Path

    def __init__(self, path: Path) -> None:
        self.path = path
        values = self._read()
        super().__init__(Settings, values)
        self.init_kwargs = values  # as written: the base takes ``Search`` for ``search``, and of both only one

    def where(self, _keys: Keys, /) -> str:
        """The file."""
        return str(self.path)

    def _read(self) -> dict[str, Any]:
        """Raises ``ConfigError`` for a file that exists and cannot be used."""
        try:
            values = self._parse(read_text_file(self.path))
        except FileNotFoundError:
            return {}
        except RecursionError as error:
            raise ConfigError(f"{self.path}: is nested too deeply; settings have at most three levels.") from error
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(_unreadable(self.path, error)) from error
        return _with_absolute_paths(_checked(self.path, values), self.path.parent)

    @abstractmethod
    def _parse(self, text: str) -> Any:
        """What ``text`` says. Raises ``ConfigError`` where it is broken."""


class ProjectFileSource(_FileSource):
    """``.codecontext.toml`` in the folder. It may come with someone else's code."""

    kind: OriginKind = "project"

    def __init__(self, path: Path, *, trusted: bool) -> None:
        self.warnings: list[str] = []
        super().__init__(path)
        for rule in setting_rules():
            self._drop_unless_allowed(rule, trusted=trusted)

    def _parse(self, text: str) -> Any:
        import tomllib

        try:
            return tomllib.loads(text)
        except ValueError as error:  # also a number with more digits than Python accepts
            raise ConfigError(f"{self.path}: broken TOML: {error}.") from error

    def _drop_unless_allowed(self, rule: SettingRule, *, trusted: bool) -> None:
        *section, name = rule.key.split(".")
        found, group = lookup(self.init_kwargs, tuple(section))
        if not (found and isinstance(group, dict) and name in group):
            return
        if rule.user_only:
            reason = "a project file cannot set it; use the editor's user settings, the environment or config.yaml"
        elif rule.trusted_only and not trusted:
            reason = "the folder is not trusted"
        elif rule.key in _PLACES and _is_on_the_network(group[name]):
            reason = "a project cannot name a network location; set it in your own settings"
        else:
            return
        del group[name]
        self.warnings.append(f"{self.path}: {rule.key} is ignored because {reason}.")


class UserFileSource(_FileSource):
    """``config.yaml`` in CodeContext's home folder."""

    kind: OriginKind = "user"

    def _parse(self, text: str) -> Any:
        import yaml

        try:
            repeated = _repeated_key(yaml.compose(text, yaml.SafeLoader))
            values = yaml.safe_load(text)
        except yaml.MarkedYAMLError as error:
            raise ConfigError(_broken_yaml(self.path, error)) from error
        except (yaml.YAMLError, ValueError) as error:  # also a date or number that does not exist
            raise ConfigError(f"{self.path}: broken YAML: {error}.") from error
        if repeated is not None:
            line = repeated.start_mark.line + 1
            raise ConfigError(f"{self.path}: {repeated.value} is set again in line {line}; keep one of them.")
        return {} if values is None else values


def _keys_of(variable: str) -> Keys:
    return tuple(variable[len(ENV_PREFIX) :].lower().split(ENV_DELIMITER))


def _checked(path: Path, values: Any) -> dict[str, Any]:
    """``values`` as nested dictionaries with text keys, without empty sections."""
    if not isinstance(values, dict):
        kind = type(values).__name__
        raise ConfigError(f"{path}: should contain sections such as `indexing:` with settings, not a {kind}.")
    return _without_empty_sections(path, values, "")


def _without_empty_sections(path: Path, values: dict[Any, Any], prefix: str) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in values.items():
        if not isinstance(key, str):
            raise ConfigError(f"{path}: {prefix}{key} is not the name of a setting; names must be text.")
        if isinstance(value, dict):
            kept[key] = _without_empty_sections(path, value, f"{prefix}{key}.")
        elif value is not None or prefix + key not in section_keys():
            kept[key] = value
    return kept


def _with_absolute_paths(values: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """``values`` with relative paths resolved against ``folder``; a model may be a plain name."""
    result = dict(values)
    for key in _PATHS | _PATHS_OR_NAMES:
        *section, name = key.split(".")
        found, value = lookup(result, (*section, name))
        is_path = isinstance(value, str) and (
            value.startswith(("./", "../", ".\\", "..\\")) if key in _PATHS_OR_NAMES else value != ""
        )
        if found and is_path and not value.startswith("~"):
            group = result
            for part in section:
                group[part] = dict(group[part])
                group = group[part]
            group[name] = str(folder.absolute() / value)
    return result


def _is_on_the_network(value: Any) -> bool:
    r"""Whether it holds a place such as ``\\server\share``: a look there sends the user's name and password hash."""
    values = value if isinstance(value, list) else [value]
    return any(isinstance(one, str) and one.startswith(("\\\\", "//")) for one in values)


def _unreadable(path: Path, error: OSError | UnicodeDecodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"{path}: is not UTF-8 text: byte {error.object[error.start]:#04x} at offset {error.start}."
    return f"{path}: cannot be read: {error.strerror}."


def _broken_yaml(path: Path, error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark
    place = f" (at line {mark.line + 1}, column {mark.column + 1})" if mark else ""
    return f"{path}: broken YAML: {error.problem}{place}."


def _repeated_key(node: yaml.Node | None) -> yaml.ScalarNode | None:
    """The first key that a mapping holds twice; PyYAML would silently take the last."""
    import yaml

    if not isinstance(node, yaml.MappingNode):
        return None
    seen: set[str] = set()
    for key, value in node.value:
        if isinstance(key, yaml.ScalarNode):
            if key.value in seen:
                return key
            seen.add(key.value)
        repeated = _repeated_key(value)
        if repeated is not None:
            return repeated
    return None
