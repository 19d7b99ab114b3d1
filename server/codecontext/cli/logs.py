"""Log records as lines on stderr, above the progress bar if there is one."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.text import Text

from codecontext.cli.console import stderr
from codecontext.core.printable import PrintableFormatter

if TYPE_CHECKING:
    from codecontext.config import LoadedSettings

_PACKAGE = logging.getLogger("codecontext")
_STYLES = {"DEBUG": "dim", "WARNING": "yellow", "ERROR": "red", "CRITICAL": "red"}


class ConsoleHandler(logging.Handler):
    """Prints the message, coloured by level on a terminal, prefixed with the level elsewhere.

    Rich's own handler wraps lines, which breaks grep.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(PrintableFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        message = self.format(record)
        if not stderr().is_terminal:
            message = f"{record.levelname} - {message}"
        stderr().print(Text(message, style=_STYLES.get(record.levelname, "")), soft_wrap=True)


def start_logging(*, debug: bool) -> None:
    """Show our own records from INFO (DEBUG with ``debug``) and those of libraries from WARNING."""
    root = logging.getLogger()
    if not any(isinstance(handler, ConsoleHandler) for handler in root.handlers):
        root.addHandler(ConsoleHandler())
    _PACKAGE.setLevel(logging.DEBUG if debug else logging.INFO)


def apply_log_settings(loaded: LoadedSettings, *, default: str | None = None) -> None:
    """Apply the setting ``logging.level``, or ``default`` if it is not set. ``--debug`` takes precedence."""
    if _PACKAGE.level == logging.DEBUG:
        return
    chosen = loaded.origins["logging.level"].kind != "default"
    level = loaded.settings.logging.level if chosen or default is None else default
    _PACKAGE.setLevel(level.upper())


@contextmanager
def quiet() -> Iterator[None]:
    """Hide our own records, because the result reports the same. ``--debug`` takes precedence."""
    level = _PACKAGE.level
    if level != logging.DEBUG:
        _PACKAGE.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        _PACKAGE.setLevel(level)
