"""Source text without what says the queries themselves. Lines stay where they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from codecontext.training.data.pairs import CodeSpan, HiddenText


def hide(lines: Sequence[str], hidden: Iterable[HiddenText]) -> list[str]:
    """``lines`` of one file with the hidden ones blank; their number stays, so places keep their meaning."""
    result = list(lines)
    for item in hidden:
        for row in range(item.start_line - 1, min(item.end_line, len(result))):
            result[row] = "" if item.text is None else result[row].replace(item.text, "")
    return result


def visible_text(lines: Sequence[str], span: CodeSpan, hidden: Iterable[HiddenText]) -> str:
    """The text of ``span`` in a file of these ``lines`` without what is hidden in it."""
    bare = hide(lines, (item for item in hidden if item.path == span.path))
    return "\n".join(bare[span.start_line - 1 : span.end_line])
