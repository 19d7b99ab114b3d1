"""The help text of a command or an option → the code that declares it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codecontext.search.paths import PathRole
from codecontext.training.data.mining.repository import Repository, RepositoryFile
from codecontext.training.data.pairs import CodeSpan, HiddenText, Pair
from codecontext.training.data.wording import plain, sentences, shortened

SOURCE = "help"
WEIGHT = 0.4

_LINES_AROUND = 3
# argparse, click, typer and clap; cobra and urfave/cli; commander and yargs.
_HELP = re.compile(
    r"(?:\b(?:help|short_help|about|long_about)\s*=\s*(?:_\(|gettext\()?|\b(?:Short|Usage|Description):\s*"
    r"|\.(?:description|describe|about|help)\(\s*)(?P<quote>[\"'`])(?P<text>(?:(?!(?P=quote)).){16,300})(?P=quote)"
)


def mine_help_texts(repository: Repository) -> Iterator[Pair]:
    """One pair for each help text of a few words."""
    for file in repository.of_role(PathRole.SOURCE):
        for number, line in enumerate(file.lines, start=1):
            for match in _HELP.finditer(line):
                found = sentences(plain(match["text"]))
                if found and len(found[0].split()) > 2:
                    yield Pair(
                        query=shortened(found[0]),
                        code=(_span(file, number),),
                        source=SOURCE,
                        weight=WEIGHT,
                        hidden=(HiddenText(path=file.path, start_line=number, end_line=number, text=match["text"]),),
                    )


def _span(file: RepositoryFile, line: int) -> CodeSpan:
    """The lines around a help text, within the definition that it stands in."""
    around = file.definition_at(line)
    first, last = (around.start_line, around.end_line) if around else (1, len(file.lines))
    return CodeSpan(
        path=file.path,
        start_line=max(first, line - _LINES_AROUND),
        end_line=min(last, line + _LINES_AROUND),
        name=around.qualified_name if around else "",
    )
