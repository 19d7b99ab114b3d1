"""Log records on lines of their own."""

from __future__ import annotations

import logging

from codecontext.core.printable import printable, printable_lines


class PrintableFormatter(logging.Formatter):
    """Keeps a message on one line whatever names and texts it holds, so that none can pose as another record.

    A traceback follows in lines of its own.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        """The line without traceback."""
        return printable(super().formatMessage(record))

    def format(self, record: logging.LogRecord) -> str:
        """All that is to be shown of ``record``."""
        return printable_lines(super().format(record))
