"""The text that is embedded for a chunk.

Whatever changes the result must change ``CHUNK_FORMAT`` too, for it is part of the embedding space.
"""

from __future__ import annotations

import textwrap

from codecontext.core import Chunk

CHUNK_FORMAT = "1"


def embedding_text(chunk: Chunk) -> str:
    """Exactly what the model reads for ``chunk``.

    The source, dedented. A first line names the definition where the source alone does not: members of a
    class or namespace, later pieces of a long definition, and sections below another heading. The outline of
    a split class follows its source. The path and the line numbers are left out on purpose: a file that
    moves, and code that moves within its file, must not be embedded again.
    """
    parts = [textwrap.dedent(chunk.text)]
    if not _names_itself(chunk):
        parts.insert(0, chunk.qualified_name)
    outline = chunk.signature.partition("\n")[2]
    if outline:
        parts.append(outline)
    return "\n".join(parts)


def _names_itself(chunk: Chunk) -> bool:
    name = chunk.qualified_name
    return not name or (name == chunk.symbol and name in chunk.text)
