"""A repository as the miners see it: its files, what each defines, and where a name is defined."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from codecontext.chunking import detect_language
from codecontext.chunking.definitions import SourceDefinition, read_definitions
from codecontext.core.chunk import ChunkKind
from codecontext.core.decoding import decode_source
from codecontext.core.progress import CancelToken, Progress, ProgressCallback, ignore_progress
from codecontext.indexing.classify import classify_content
from codecontext.indexing.scan import ScanConfig, scan_folder
from codecontext.search.paths import PathRole, path_role
from codecontext.training.data.pairs import CodeSpan, HiddenText

_PROGRESS_EVERY = 50


@dataclass(frozen=True)
class RepositoryFile:
    """One file of text; ``path`` is relative, with ``/``."""

    path: str
    text: str
    language: str
    role: PathRole

    @cached_property
    def lines(self) -> list[str]:
        """Its lines, without line ends."""
        return self.text.split("\n")

    @cached_property
    def definitions(self) -> list[SourceDefinition]:
        """What it defines, in order of the lines."""
        return read_definitions(self.path, self.text)

    def without(self, hidden: Iterable[HiddenText]) -> list[str]:
        """Its lines with the hidden ones blank. Their number stays the same, so that line numbers still hold."""
        lines = list(self.lines)
        for item in hidden:
            for row in range(item.start_line - 1, min(item.end_line, len(lines))):
                lines[row] = "" if item.text is None else lines[row].replace(item.text, "")
        return lines

    def definition_at(self, line: int) -> SourceDefinition | None:
        """The innermost definition around a line."""
        around = [item for item in self.definitions if item.start_line <= line <= item.end_line]
        return min(around, key=lambda item: item.end_line - item.start_line, default=None)

    def hidden_documentation(self, definition: SourceDefinition) -> tuple[HiddenText, ...]:
        """The lines to hide so that ``definition`` does not contain its own documentation."""
        return tuple(
            HiddenText(path=self.path, start_line=first, end_line=last) for first, last in definition.doc_lines
        )

    def span_of(self, definition: SourceDefinition) -> CodeSpan:
        """Where ``definition`` is; for a class only its head, since its methods are definitions of their own."""
        last = definition.own_end_line if definition.kind is ChunkKind.CLASS else definition.end_line
        return CodeSpan(
            path=self.path, start_line=definition.header_line, end_line=last, name=definition.qualified_name
        )


@dataclass(frozen=True)
class Repository:
    """All files of a folder that would be indexed, by path."""

    folder: Path
    files: dict[str, RepositoryFile] = field(default_factory=dict)

    def of_role(self, role: PathRole) -> Iterator[RepositoryFile]:
        """Files that play this part."""
        return (file for file in self.files.values() if file.role is role)

    def visible_text(self, span: CodeSpan, hidden: Iterable[HiddenText]) -> str:
        """The text of ``span`` without what is hidden in it."""
        lines = self.files[span.path].without(item for item in hidden if item.path == span.path)
        return "\n".join(lines[span.start_line - 1 : span.end_line])

    @cached_property
    def defined(self) -> dict[str, list[tuple[RepositoryFile, SourceDefinition]]]:
        """Name → where source files define it; qualified names lead to the same places."""
        table: dict[str, list[tuple[RepositoryFile, SourceDefinition]]] = defaultdict(list)
        for file in self.of_role(PathRole.SOURCE):
            for definition in file.definitions:
                for name in {definition.name, definition.qualified_name}:
                    table[name].append((file, definition))
        return dict(table)


def read_repository(
    folder: Path,
    config: ScanConfig,
    on_progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> Repository:
    """Read the files of ``folder`` that an index would hold. Raises ``OperationCancelled``."""
    token = cancel or CancelToken()
    found = scan_folder(folder, config, token).files
    files: dict[str, RepositoryFile] = {}
    for number, file in enumerate(found, start=1):
        token.check()
        if number % _PROGRESS_EVERY == 0 or number == len(found):
            on_progress(Progress("reading", number, len(found)))
        try:
            data = file.read()
        except OSError:
            continue
        if classify_content(file.path, data) is None:
            language = detect_language(file.path, data[:8192])
            files[file.path] = RepositoryFile(file.path, decode_source(data), language, path_role(file.path))
    return Repository(folder, files)
