"""What is open in the editor, and hits as the editor should show them: in its lines, text and position units."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pygls.workspace import PositionCodec, TextDocument, Workspace

from codecontext.core.decoding import decode_source
from codecontext.core.notebooks import is_notebook, shown_lines
from codecontext.core.reading import read_file, read_file_inside
from codecontext.lsp import buffers
from codecontext.lsp.folders import Folder, Folders, path_of
from codecontext.lsp.overlay import LineMap
from codecontext.lsp.protocol import Position, Range, SearchHit
from codecontext.search.results import FoundCode, Freshness, Hit

_MAX_BYTES = 4 * buffers.MAX_CHARACTERS
"""Of a file that is compared with its document."""
_MAX_COMPARED = 200
"""How many comparisons of documents with their files are kept."""


@dataclass(frozen=True, slots=True)
class Unsaved:
    """An open document that differs from its file."""

    lines: list[str]
    to_document: LineMap
    to_file: LineMap


@dataclass(frozen=True, slots=True)
class _Compared:
    """The text of a document, the file it was compared with, and the result."""

    text: str
    file: tuple[int, ...]
    unsaved: Unsaved | None


class Comparisons:
    """Compares open documents with their files, again only when one of them has changed."""

    def __init__(self) -> None:
        self._known: dict[Path, _Compared] = {}

    def unsaved(self, path: Path, text: str, read: Callable[[], list[str]]) -> Unsaved | None:
        """How ``text``, open at ``path``, differs from the lines of the file; None where they are the same."""
        file = _state_of(path)
        known = self._known.pop(path, None)
        if known is None or known.text is not text or known.file != file:
            known = _Compared(text, file, _compare(text, read))
        self._known[path] = known
        while len(self._known) > _MAX_COMPARED:
            del self._known[next(iter(self._known))]
        return known.unsaved


class Documents:
    """Open documents by their place on disk, as they are at this moment.

    Files are read inside ``folders``, through no link; files in no folder are read where they are.
    """

    def __init__(
        self, workspace: Workspace, folders: Folders | None = None, comparisons: Comparisons | None = None
    ) -> None:
        self._codec = workspace.position_codec
        self._folders = folders or Folders()
        self._comparisons = comparisons or Comparisons()
        self._real_folders: dict[Path, Path] = {}
        self._open: dict[Path, TextDocument] = {}
        self._places: list[Path] = []
        for document in workspace.text_documents.values():
            if (path := path_of(document.uri)) is not None:
                self._open[self._real(path)] = document
                self._places.append(path)

    def paths(self) -> Iterable[Path]:
        """Paths of all open documents."""
        return self._places

    def unsaved(self, path: Path) -> Unsaved | None:
        """The unsaved document at ``path``; None where the file has the same text."""
        document = self._open.get(self._real(path))
        if document is None:
            return None
        return self._comparisons.unsaved(path, document.source, lambda: self._read_lines(path))

    def lines(self, path: Path) -> list[str]:
        """Lines of the document, or else of the file. Raises ``OSError``."""
        document = self._open.get(self._real(path))
        return _lines_of(document.source) if document is not None else self._read_lines(path)

    def column(self, line: str, units: int) -> int:
        """Characters (code points) before a place that is ``units`` of the editor's from the start of ``line``."""
        return buffers.column(self._codec, line, units)

    def show(self, folder: Folder, hit: Hit) -> SearchHit | None:
        """A hit as the editor should show it; None if its lines were deleted and that is not saved yet."""
        path = folder.path / hit.path
        lines, start, freshness = hit.text.split("\n"), hit.start_line - 1, hit.freshness
        if (unsaved := self.unsaved(path)) is not None:
            span = unsaved.to_document.span(start, hit.end_line)
            if span is None:
                return None
            shown = _shown_lines(path, unsaved.lines)[span[0] : span[1]]
            if hit.text not in "\n".join(shown):  # it is a part of a very long line, or all of these lines
                if _is_another(shown, lines, hit.symbol):
                    return None
                lines, freshness = shown, Freshness.CHANGED
            elif span[0] != start and freshness is Freshness.FRESH:
                freshness = Freshness.MOVED
            start = span[0]
        placed = self._placed(path, start, start + hit.end_line - hit.start_line + 1) or lines
        shared = {name: value for name, value in hit if name in FoundCode.model_fields}
        return SearchHit(
            **shared | {"folder": folder.uri, "text": "\n".join(lines), "freshness": freshness},
            uri=folder.uri_of(hit.path),
            range=self._range(placed, start, 0, 0, len(placed) - 1, len(placed[-1])),
            selection_range=self._range(placed, start, *_name_span(placed, hit.symbol, hit.signature)),
        )

    def _real(self, path: Path) -> Path:
        """Where ``path`` is when the links to its folder are followed: one file may be open by several names."""
        if path.parent not in self._real_folders:
            self._real_folders[path.parent] = Path(os.path.realpath(path.parent))
        return self._real_folders[path.parent] / path.name

    def _read_lines(self, path: Path) -> list[str]:
        held = self._folders.holding(path)
        if held is None:
            content = read_file(path, max_bytes=_MAX_BYTES, follow_links=False)
        else:
            content = read_file_inside(held[0].path, held[1], max_bytes=_MAX_BYTES)
        return decode_source(content).split("\n")

    def _placed(self, path: Path, start: int, end: int) -> list[str]:
        """Lines of a notebook as its file has them, for positions in it; none for other files, whose hits have them."""
        if not is_notebook(path.name):
            return []
        try:
            return self.lines(path)[start:end]
        except OSError:
            return []

    def _range(self, lines: Sequence[str], offset: int, first: int, start: int, last: int, end: int) -> Range:
        """Lines ``first`` to ``last`` of ``lines`` with characters ``start`` and ``end``, in the editor's units."""
        return Range(
            start=Position(line=offset + first, character=_units(self._codec, lines[first][:start])),
            end=Position(line=offset + last, character=_units(self._codec, lines[last][:end])),
        )


def _units(codec: PositionCodec, text: str) -> int:
    return len(text) if text.isascii() else codec.client_num_units(text)


def _shown_lines(path: Path, lines: list[str]) -> list[str]:
    return shown_lines(path.name, "\n".join(lines)) if is_notebook(path.name) else lines


def _state_of(path: Path) -> tuple[int, ...]:
    """What differs whenever the file differs."""
    try:
        status = path.lstat()
    except OSError:
        return ()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _compare(text: str, read: Callable[[], list[str]]) -> Unsaved | None:
    try:
        on_disk = read()
    except OSError:  # a new document, or the file is gone or something else now
        on_disk = []
    shown = _lines_of(text)
    return None if shown == on_disk else Unsaved(shown, LineMap(on_disk, shown), LineMap(shown, on_disk))


def _lines_of(text: str) -> list[str]:
    r"""The lines of a text; in LSP they end with ``\n``, ``\r\n`` or ``\r``, and nothing else ends one."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _is_another(shown: Sequence[str], indexed: Sequence[str], symbol: str) -> bool:
    """Whether lines have nothing in common with the indexed ones that were at their place."""
    left = {line.strip() for line in indexed} & {line.strip() for line in shown} - {""}
    return not left and not (symbol and any(_places_of(shown, symbol)))


def _name_span(lines: Sequence[str], symbol: str, signature: str) -> tuple[int, int, int, int]:
    """Where the name of a definition is, else its first line: first line, character, last line, character.

    A comment above it may mention the name too, so lines of the declaration come first.
    """
    places = list(_places_of(lines, symbol)) if symbol else []
    if not places:
        return 0, len(lines[0]) - len(lines[0].lstrip()), 0, len(lines[0])
    declared = [place for place in places if _is_part_of(lines[place[0]].strip(), signature)]
    index, start, end = (declared or places)[0]
    return index, start, index, end


def _is_part_of(line: str, declaration: str) -> bool:
    """Whether a line is in the declaration, or contains all of it and what follows on the same line."""
    return line in declaration or (bool(declaration) and declaration in line)


def _places_of(lines: Sequence[str], symbol: str) -> Iterator[tuple[int, int, int]]:
    name = re.compile(rf"(?<!\w){re.escape(symbol)}(?!\w)")
    for index, line in enumerate(lines):
        if match := name.search(line):
            yield index, match.start(), match.end()
