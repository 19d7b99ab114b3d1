"""Prints the results of ``search`` and ``similar``."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import typer
from pydantic import Field
from rich.style import Style
from rich.text import Text

from codecontext.cli import wording
from codecontext.cli.console import print_json, print_label, shown_path, stderr, stdout
from codecontext.cli.errors import NOTHING_FOUND
from codecontext.cli.excerpt import choose_lines, definition, matching_words
from codecontext.core.printable import printable, printable_lines
from codecontext.search.query import parse_query
from codecontext.search.results import Freshness, Hit, SearchResponse, SearchState

_LINES_PER_HIT = 6
_TAB_SIZE = 4
_NOTES = {Freshness.CHANGED: "changed since indexing", Freshness.MOVED: "moved since indexing"}


class SearchOutput(SearchResponse):
    """What ``search --json`` and ``similar --json`` print."""

    folder: str = Field(description="The searched folder; paths of hits are relative to it.")


def print_response(response: SearchResponse, folder: Path, query: str, *, explain: bool, as_json: bool) -> None:
    """Print ``response``. Raises ``typer.Exit`` with ``NOTHING_FOUND`` if it has no hits."""
    if as_json:
        print_json(SearchOutput(folder=str(folder), **dict(response)))
    else:
        _print_hits(response, folder, query, explain=explain)
    if not response.hits:
        raise typer.Exit(NOTHING_FOUND)


def _print_hits(response: SearchResponse, folder: Path, query: str, *, explain: bool) -> None:
    if response.state.degraded:
        print_label("Degraded", response.state.degraded)
    if response.message:
        stderr().print(printable(response.message))
    terms = parse_query(query).terms
    for rank, hit in enumerate(response.hits, 1):
        if rank > 1:
            stdout().print()
        stdout().print(_heading(rank, hit, folder))
        if explain:
            stdout().print(_reasons(hit))
        for line in _excerpt(hit, terms):
            stdout().print(line, no_wrap=True, overflow="ellipsis")
    if explain:
        stdout().print()
        stdout().print(_basis(response.state, response.milliseconds))


def _heading(rank: int, hit: Hit, folder: Path) -> Text:
    """``1  src/lock.py:15  writer_lock  function``; the location is a link in terminals that support links."""
    file = folder / hit.path
    line = hit.start_line + definition(hit)
    link = Style(link=f"{file.as_uri()}#L{line}")
    heading = Text.assemble(
        (f"{rank:>2}  ", "dim"),
        (printable(f"{shown_path(file)}:{line}"), Style(color="cyan", bold=True) + link),
    )
    name = hit.qualified_name or hit.symbol
    if name:
        heading.append("  ").append(printable(name), style="bold")
    heading.append(f"  {hit.kind}", style="dim")
    if hit.freshness in _NOTES:
        heading.append(f"  ({_NOTES[hit.freshness]})", style="yellow")
    return heading


def _excerpt(hit: Hit, terms: Collection[str]) -> list[Text]:
    """The chosen lines with their numbers, highlighted, without their common indentation."""
    source = printable_lines(hit.text).expandtabs(_TAB_SIZE)
    code = _highlighted(hit.path, source)
    chosen = choose_lines(hit, terms, _LINES_PER_HIT)
    indents = [len(line) - len(line.lstrip()) for line in source.split("\n")]
    margin = min((indents[index] for index in chosen if code[index].plain.strip()), default=0)
    width = max(4, len(str(hit.end_line)))
    lines = []
    previous = chosen[0] - 1 if chosen else -1
    for index in chosen:
        bar = "│" if index == previous + 1 else "┆"
        line = code[index][margin:] if len(code[index]) > margin else Text()
        for start, end in matching_words(line.plain, terms):
            line.stylize("bold underline", start, end)
        lines.append(Text.assemble((f"    {hit.start_line + index:>{width}} {bar} ", "dim"), line))
        previous = index
    return lines


def _highlighted(path: str, source: str) -> list[Text]:
    """Each line in the terminal's own colours; where there are none, as it is."""
    if not stdout().color_system:
        return [Text(line) for line in source.split("\n")]
    from rich.syntax import Syntax

    lexer = Syntax.guess_lexer(path)
    text = Syntax(source, lexer, theme="ansi_dark", tab_size=_TAB_SIZE).highlight(source)
    lines = list(text.split("\n", allow_blank=True))
    # Lexers may strip or add blank lines at either end; then line numbers matter more than colours.
    plain = source.split("\n")
    if [line.plain for line in lines[: len(plain)]] != plain:
        return [Text(line) for line in plain]
    return lines


def _reasons(hit: Hit) -> Text:
    """Ranks and scores of the two retrievals, and the rules that moved the hit."""
    evidence = hit.evidence
    keyword = _retrieval("keyword", evidence.lexical_rank, evidence.lexical_score)
    semantic = _retrieval("semantic", evidence.semantic_rank, evidence.semantic_score)
    rules = ", ".join(evidence.rules) or "none"
    return Text(f"    {keyword} · {semantic} · rules: {rules} · score {hit.score:.4f}", style="dim")


def _retrieval(name: str, rank: int | None, score: float | None) -> str:
    return f"{name}: no match" if rank is None or score is None else f"{name}: #{rank} ({score:.2f})"


def _basis(state: SearchState, milliseconds: float) -> Text:
    """What the results as a whole are based on."""
    parts = [
        f"space {state.space or 'none (keyword search only)'}",
        f"adapter {state.adapter} ({state.fingerprint})" if state.adapter else "no adapter",
        f"{wording.share(state.coverage)} of chunks embedded",
        f"{milliseconds:.0f} ms",
    ]
    return Text(printable(" · ".join(parts)), style="dim")
