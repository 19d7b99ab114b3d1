"""Jupyter notebooks cut by cells: code along its syntax tree, Markdown by heading, outputs not at all."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from codecontext.chunking.config import ChunkingConfig
from codecontext.chunking.grammars import BASE_SECONDS, SECONDS_PER_BYTE, ParseBudgetExceeded
from codecontext.chunking.languages import TEXT, Language, language_named
from codecontext.chunking.markup import chunk_sections
from codecontext.chunking.tree_sitter_chunker import chunk_tree
from codecontext.chunking.windows import chunk_windows
from codecontext.core import Chunk, ChunkKind
from codecontext.core.notebooks import Cell, read_notebook

_DEFAULT_LANGUAGE = "python"
# Names that kernels give to languages, where they are not ours.
_KERNEL_NAMES = {
    "ipython": "python",
    "sage": "python",
    "sagemath": "python",
    "c#": "csharp",
    "f#": "fsharp",
    "pwsh": "powershell",
    "shellscript": "bash",
}
_VERSION = re.compile(r"[\d.]+$")
# %matplotlib inline, !pip install x, files = !ls, ?help; but neither ``!=`` nor ``% name`` on a continued line.
_MAGIC_LINE = re.compile(r"^[ \t]*(?:[\w, ]+=[ \t]*)?(?:%{1,2}[A-Za-z]|!(?!=)|\?)[^\n]*$", re.MULTILINE)
_CELL_MAGIC = re.compile(r"\A\s*%%(\w+)[^\n]*")


def chunk_notebook(path: str, text: str, config: ChunkingConfig) -> list[Chunk]:
    """Chunks of the cells of a notebook, ``text`` as ``decode_source`` gives it, in order of their lines.

    A chunk's text is source as the reader of the notebook sees it, its lines are those of the file that show it
    (``shown_lines``). A chunk has the language of its cell. A file that is no notebook has no chunks.
    """
    notebook = read_notebook(text)
    if sum(len(line) for cell in notebook.cells for line in cell.lines) > config.max_parse_chars:
        return [
            chunk
            for cell in notebook.cells
            for chunk in _placed(chunk_windows(path, _text(cell), "jupyter", config), cell)
        ]
    give_up_at = time.thread_time() + BASE_SECONDS + SECONDS_PER_BYTE * len(text)
    chunks: list[Chunk] = []
    for cell in notebook.cells:
        in_time = time.thread_time() < give_up_at
        chunks += _placed(_cut(path, cell, _language(cell, notebook.language), config, in_time=in_time), cell)
    return sorted(chunks, key=lambda chunk: (chunk.start_line, chunk.end_line))


def _cut(path: str, cell: Cell, language: Language, config: ChunkingConfig, *, in_time: bool) -> list[Chunk]:
    """Chunks of a cell, with lines counted in the cell."""
    text = _text(cell)
    if language.name == "markdown":
        return chunk_sections(path, text, language.name, config)
    if language.grammar and in_time:
        with suppress(ParseBudgetExceeded):
            return chunk_tree(path, text, language, config, parsed=_without_magics(text, language))
    return chunk_windows(path, text, language.name, config)


def _placed(chunks: list[Chunk], cell: Cell) -> Iterator[Chunk]:
    """``chunks`` with lines counted in the file. The beginning of a cell is no beginning of a module."""
    for chunk in chunks:
        yield replace(
            chunk,
            kind=ChunkKind.BLOCK if chunk.kind is ChunkKind.MODULE else chunk.kind,
            start_line=cell.rows[chunk.start_line - 1] + 1,
            end_line=cell.rows[chunk.end_line - 1] + 1,
        )


def _text(cell: Cell) -> str:
    return "\n".join(cell.lines)


def _language(cell: Cell, of_notebook: str) -> Language:
    if cell.kind in {"markdown", "heading"}:
        return language_named("markdown") or TEXT
    if cell.kind == "raw":
        return TEXT
    magic = _CELL_MAGIC.match(_text(cell))
    return (
        (_known(magic[1]) if magic else None)
        or _known(cell.language)
        or _known(of_notebook or _DEFAULT_LANGUAGE)
        or language_named("jupyter")
        or TEXT
    )


def _known(name: str) -> Language | None:
    name = name.strip().lower()
    name = _KERNEL_NAMES.get(name, name)
    return language_named(name) or language_named(_VERSION.sub("", name)) if name else None


def _without_magics(text: str, language: Language) -> str:
    """``text`` with spaces for what is no code of its language, each character at its place in bytes."""
    text = _CELL_MAGIC.sub(_blank, text)
    return _MAGIC_LINE.sub(_blank, text) if language.name == "python" else text


def _blank(match: re.Match[str]) -> str:
    return "".join(
        "\n" if character == "\n" else " " * len(character.encode("utf-8", "replace")) for character in match[0]
    )
