"""Groups of commands that import a command when it is named, so that none pays for the others."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from codecontext.cli.errors import ReportingCommand


@dataclass(frozen=True, slots=True)
class LazyCommand:
    """A command that has not been imported: ``place`` is ``module:name`` of its function, or of its ``typer.Typer``."""

    place: str
    panel: str | None = None
    """Heading that the help lists it under."""
    cls: type[TyperCommand] = ReportingCommand

    def load(self, name: str) -> Any:
        """The command, with its options."""
        module, _, attribute = self.place.partition(":")
        found = getattr(import_module(module), attribute)
        if not isinstance(found, typer.Typer):
            alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich")
            alone.command(name, cls=self.cls, rich_help_panel=self.panel)(found)
            return get_command(alone)
        group: Any = get_command(found)
        group.name, group.rich_help_panel = name, self.panel
        return group


def lazy_group(commands: dict[str, LazyCommand]) -> type[TyperGroup]:
    """The class of a ``typer.Typer`` whose commands are these, in this order, by name."""

    class LazyGroup(TyperGroup):
        def __init__(self, **attributes: Any) -> None:
            super().__init__(**attributes)
            self.commands = _Loaded(commands)

        def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the base would load each to tell its name
            return list(self.commands)

    return LazyGroup


class _Loaded(MutableMapping[str, Any]):
    """Commands by name, each loaded when it is asked for."""

    def __init__(self, commands: dict[str, LazyCommand]) -> None:
        self._commands: dict[str, Any] = dict(commands)

    def __getitem__(self, name: str) -> Any:
        command = self._commands[name]
        if isinstance(command, LazyCommand):
            command = self._commands[name] = command.load(name)
        return command

    def __setitem__(self, name: str, command: Any) -> None:
        self._commands[name] = command

    def __delitem__(self, name: str) -> None:
        del self._commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._commands)

    def __len__(self) -> int:
        return len(self._commands)
