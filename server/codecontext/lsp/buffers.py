"""Open documents as the editor changes them: tracked exactly, or not at all.

A document with a change that was not understood, or too large to be tracked at every keystroke, counts as not open:
hits in it are shown as in the file. Lines end where LSP says so; ``str.splitlines``, by which pygls locates changes,
sees more line ends, form feeds for one.
"""

from __future__ import annotations

import logging
import re
from typing import Any
from urllib.parse import unquote

from lsprotocol import types
from pygls.workspace import PositionCodec, Workspace

from codecontext.lsp.errors import short

logger = logging.getLogger(__name__)

MAX_CHARACTERS = 1 << 23
"""Of a document that is tracked; nothing else runs while a change is applied to it, some 0.1 s. Files that large are
not indexed anyway (``indexing.max_file_bytes``)."""
_LARGEST = 2**31 - 1
"""Of the protocol's ``uinteger``; some editors send more for the end of a line or of a document."""
_LINE_END = re.compile(r"\r\n|\r|\n")


def is_tracked(text: str) -> bool:
    """Whether a document is small enough."""
    return len(text) <= MAX_CHARACTERS


def change(workspace: Workspace, params: types.DidChangeTextDocumentParams) -> None:
    """Apply changes to a document, one after the other. For one that is not tracked, only its whole text counts."""
    uri, version = params.text_document.uri, params.text_document.version
    document = workspace.text_documents.get(unquote(uri))  # the key that pygls uses
    text = document.source if document is not None else None
    for each in params.content_changes:
        if isinstance(each, types.TextDocumentContentChangeWholeDocument):
            text = each.text
        elif text is not None:
            text = _changed(workspace.position_codec, text, each)
    if text is None:
        return
    if is_tracked(text):
        language = document.language_id if document is not None else None
        workspace.put_text_document(types.TextDocumentItem(uri, language or "", version, text))
    else:
        workspace.remove_text_document(uri)


def forget(workspace: Workspace, message: dict[str, Any]) -> None:
    """A change of a document could not be read: from now on its text is unknown."""
    params = message.get("params")
    document = params.get("textDocument") if isinstance(params, dict) else None
    uri = document.get("uri") if isinstance(document, dict) else None
    if isinstance(uri, str):
        workspace.remove_text_document(uri)
        logger.warning("%s counts as not open until its whole text is sent again.", short(uri))


def with_usual_parts(params: dict[str, Any]) -> dict[str, Any]:
    """Parameters of an opened or changed document with what the server can do without, and positions within bounds."""
    document = params.get("textDocument")
    if isinstance(document, dict):
        said = {name: value for name, value in document.items() if value is not None}
        if not isinstance(said.get("text"), str):
            said.pop("text", None)  # which would pass for its encoding
        params = params | {"textDocument": {"languageId": "", "version": 0} | said}
    changes = params.get("contentChanges")
    if isinstance(changes, list):
        params = params | {"contentChanges": list(map(_within_bounds, changes))}
    return params


def _within_bounds(change: Any) -> Any:
    """A change whose range is within the largest number of the protocol; a null range is no range."""
    if not isinstance(change, dict) or not isinstance(change.get("text"), str):
        return None
    if "range" not in change:
        return change
    rest = {name: value for name, value in change.items() if name not in ("range", "rangeLength")}
    where = change["range"]
    if where is None:
        return rest
    if isinstance(where, dict):
        where = {name: _bounded(place) for name, place in where.items()}
    return rest | {"range": where}


def _bounded(place: Any) -> Any:
    if not isinstance(place, dict):
        return place
    return {
        name: min(value, _LARGEST) if isinstance(value, int) and not isinstance(value, bool) else value
        for name, value in place.items()
    }


def _changed(codec: PositionCodec, text: str, change: types.TextDocumentContentChangePartial) -> str:
    start, end = sorted(_offset(codec, text, place) for place in (change.range.start, change.range.end))
    return text[:start] + change.text + text[end:]


def _offset(codec: PositionCodec, text: str, place: types.Position) -> int:
    """Characters (code points) before a place; what is past the end of its line or of the text is at that end."""
    start = 0
    for _line in range(place.line):
        end = _LINE_END.search(text, start)
        if end is None:
            return len(text)
        start = end.end()
    end = _LINE_END.search(text, start)
    line = text[start : end.start() if end is not None else len(text)]
    return start + column(codec, line, place.character)


def column(codec: PositionCodec, line: str, units: int) -> int:
    """Characters (code points) before a place that is ``units`` of the editor's from the start of ``line``."""
    if line.isascii():
        return min(units, len(line))
    seen = 0
    for index, char in enumerate(line):
        if seen >= units:
            return index
        seen += codec.client_num_units(char)
    return len(line)
