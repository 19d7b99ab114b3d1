"""``codecontext version``: print the version."""

from __future__ import annotations

import platform

from pydantic import BaseModel, Field

from codecontext import __version__
from codecontext.cli.console import print_json, stdout
from codecontext.cli.options import JsonOption


class VersionOutput(BaseModel):
    """What ``version --json`` prints."""

    codecontext: str
    python: str
    platform: str = Field(description="Operating system and processor, such as `Linux-x86_64`.")


def version(as_json: JsonOption = False) -> None:
    """Print the version. 'codecontext doctor' also prints those of the libraries."""
    found = VersionOutput(
        codecontext=__version__,
        python=platform.python_version(),
        platform=f"{platform.system()}-{platform.machine()}",
    )
    if as_json:
        print_json(found)
    else:
        stdout().print(f"codecontext {found.codecontext} (Python {found.python}, {found.platform})")
