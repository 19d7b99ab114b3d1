"""What is open in the editor, and hits as the editor should show them: its lines, its text, its units of position."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pygls.workspace import PositionCodec, TextDocument, Workspace

from codecontext.core.decoding import decode_source
from codecontext.core.notebooks import is_notebook, shown_lines
from codecontext.lsp.folders import Folder, path_of
from codecontext.lsp.overlay import LineMap
from codecontext.lsp.protocol import Evidence, Position, Range, SearchHit
from codecontext.search.results import Freshness, Hit

_LINE_END = re.compile(r"\r\n|\r|\n")
"""What ends a line in LSP; nothing else does."""


@dataclass(frozen=True, slots=True)
class Unsaved:
    """An open document that differs from its file."""

    lines: list[str]
    to_document: LineMap
    to_file: LineMap


class Documents:
    """Open documents by their place on disk, as they are at this moment."""

    def __init__(self, workspace: Workspace) -> None:
        self._codec = workspace.position_codec
        self._open: dict[Path, TextDocument] = {}
        self._unsaved: dict[Path, Unsaved | None] = {}
        for document in workspace.text_documents.values():
            if (path := path_of(document.uri)) is not None:
                self._open[path] = document

    def paths(self) -> Iterable[Path]:
        """Places of all that is open."""
        return self._open.keys()

    def unsaved(self, path: Path) -> Unsaved | None:
        """What is open at ``path`` and not saved; None where the file says the same."""
        if path not in self._unsaved:
            self._unsaved[path] = self._compare(path)
        return self._unsaved[path]

    def lines(self, path: Path) -> list[str]:
        """Lines of the document, or else of the file. Raises ``OSError``."""
        document = self._open.get(path)
        return _lines_of(document) if document is not None else _read_lines(path)

    def column(self, line: str, units: int) -> int:
        """Characters (code points) before a place that is ``units`` of the editor's from the start of ``line``."""
        seen = 0
        for index, char in enumerate(line):
            if seen >= units:
                return index
            seen += self._codec.client_num_units(char)
        return len(line)

    def show(self, folder: Folder, hit: Hit) -> SearchHit | None:
        """A hit as the editor should show it; None if its lines were deleted and that is not saved yet."""
        path = folder.path / hit.path
        lines, start, freshness = hit.text.split("\n"), hit.start_line - 1, hit.freshness
        if (unsaved := self.unsaved(path)) is not None:
            span = unsaved.to_document.span(start, hit.end_line)
            if span is None:
                return None
            shown = shown_lines(hit.path, "\n".join(unsaved.lines))[span[0] : span[1]]
            if hit.text not in "\n".join(shown):  # it is a part of a very long line, or all of these lines
                if _is_another(shown, lines, hit.symbol):
                    return None
                lines, freshness = shown, Freshness.CHANGED
            elif span[0] != start and freshness is Freshness.FRESH:
                freshness = Freshness.MOVED
            start = span[0]
        placed = self._placed(path, start, start + hit.end_line - hit.start_line + 1) or lines
        return SearchHit(
            uri=folder.uri_of(hit.path),
            folder=folder.uri,
            path=hit.path,
            range=self._range(placed, start, 0, 0, len(placed) - 1, len(placed[-1])),
            selection_range=self._range(placed, start, *_name_span(placed, hit.symbol, hit.signature)),
            score=hit.score,
            language=hit.language,
            kind=hit.kind,
            symbol=hit.symbol,
            qualified_name=hit.qualified_name,
            signature=hit.signature,
            text="\n".join(lines),
            freshness=freshness.value,
            evidence=Evidence(**hit.evidence.model_dump()),
        )

    def _placed(self, path: Path, start: int, end: int) -> list[str]:
        """Lines of a notebook as its file has them, for positions in it; none for other files, whose hits have them."""
        if not is_notebook(path.name):
            return []
        try:
            return self.lines(path)[start:end]
        except OSError:
            return []

    def _compare(self, path: Path) -> Unsaved | None:
        document = self._open.get(path)
        if document is None:
            return None
        try:
            on_disk = _read_lines(path)
        except OSError:  # a new document, or the file is gone
            on_disk = []
        shown = _lines_of(document)
        return None if shown == on_disk else Unsaved(shown, LineMap(on_disk, shown), LineMap(shown, on_disk))

    def _range(self, lines: Sequence[str], offset: int, first: int, start: int, last: int, end: int) -> Range:
        """Lines ``first`` to ``last`` of ``lines`` with characters ``start`` and ``end``, in the editor's units."""
        return Range(
            start=Position(line=offset + first, character=_units(self._codec, lines[first][:start])),
            end=Position(line=offset + last, character=_units(self._codec, lines[last][:end])),
        )


def _units(codec: PositionCodec, text: str) -> int:
    return len(text) if text.isascii() else codec.client_num_units(text)


def _lines_of(document: TextDocument) -> list[str]:
    return _LINE_END.split(document.source)


def _read_lines(path: Path) -> list[str]:
    return decode_source(path.read_bytes()).split("\n")


def _is_another(shown: Sequence[str], indexed: Sequence[str], symbol: str) -> bool:
    """Whether lines that stand where others were have nothing to do with those."""
    left = {line.strip() for line in indexed} & {line.strip() for line in shown} - {""}
    return not left and not (symbol and any(_places_of(shown, symbol)))


def _name_span(lines: Sequence[str], symbol: str, signature: str) -> tuple[int, int, int, int]:
    """Where the name of a definition stands, or its first line: first line, character, last line, character.

    A comment above it may speak of the name too, so lines of the declaration come first.
    """
    places = list(_places_of(lines, symbol)) if symbol else []
    if not places:
        return 0, len(lines[0]) - len(lines[0].lstrip()), 0, len(lines[0])
    declared = [place for place in places if _is_part_of(lines[place[0]].strip(), signature)]
    index, start, end = (declared or places)[0]
    return index, start, index, end


def _is_part_of(line: str, declaration: str) -> bool:
    """Whether a line is in the declaration, or holds all of it; what follows a declaration may stand beside it."""
    return line in declaration or (bool(declaration) and declaration in line)


def _places_of(lines: Sequence[str], symbol: str) -> Iterator[tuple[int, int, int]]:
    name = re.compile(rf"(?<!\w){re.escape(symbol)}(?!\w)")
    for index, line in enumerate(lines):
        if match := name.search(line):
            yield index, match.start(), match.end()
