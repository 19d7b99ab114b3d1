"""Makes names of files UTF-8 for Python, whatever the locale says."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def ensure_utf8() -> None:
    """Start this program anew in Python's UTF-8 mode if it takes names of files for anything else (PEP 540).

    So it is where the locale is ``C`` with that mode switched off, or of another encoding: no folder with a letter
    outside it could be named then, neither to the system nor in a message. Python cannot change it while it runs. To
    be called before anything reads stdin.
    """
    if sys.getfilesystemencoding().lower() == "utf-8" or "utf8" in sys._xoptions:
        return
    with suppress(OSError):  # without it names in ASCII still work
        os.execve(  # noqa: S606 - this very program
            sys.executable,
            [sys.executable, "-X", "utf8", *sys.orig_argv[1:]],
            os.environ | {"PYTHONUTF8": "1"},
        )
