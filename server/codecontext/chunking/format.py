"""The text that is embedded for a chunk.

Whatever changes the result must change ``CHUNK_FORMAT`` too, for it is part of the embedding space.
"""

from __future__ import annotations

from codecontext.core import Chunk

CHUNK_FORMAT = "1"


def embedding_text(chunk: Chunk) -> str:
    """Exactly what the model reads for ``chunk``.

    The source, dedented. A first line names the definition where the source alone does not: members of a
    class or namespace, later pieces of a long definition, and sections below another heading. The outline of
    a split class follows its source. The path and the line numbers are left out on purpose: a file that
    moves, and code that moves within its file, must not be embedded again.
    """
    parts = [_dedented(chunk.text)]
    if not _names_itself(chunk):
        parts.insert(0, chunk.qualified_name)
    outline = chunk.signature.partition("\n")[2]
    if outline:
        parts.append(outline)
    return "\n".join(parts)


def _dedented(text: str) -> str:
    """``text`` without the indentation that all its lines share, its blank lines empty.

    As ``textwrap.dedent`` of Python 3.11 to 3.13, whose patterns take several times as long.
    """
    lines = text.split("\n")
    filled = [line for line in lines if line.strip(" \t")]
    if not filled:
        return "\n" * (len(lines) - 1)
    # What the first and the last line in alphabetical order share, all share.
    first, last = min(filled), max(filled)
    margin = 0
    while first[margin] in " \t" and last.startswith(first[: margin + 1]):
        margin += 1
    if " \n" not in text and "\t\n" not in text and text[-1] not in " \t":
        return f"\n{text}".replace("\n" + first[:margin], "\n")[1:] if margin else text
    return "\n".join([line[margin:] if line.strip(" \t") else "" for line in lines])


def _names_itself(chunk: Chunk) -> bool:
    name = chunk.qualified_name
    return not name or (name == chunk.symbol and name in chunk.text)
