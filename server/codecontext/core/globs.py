"""Path filters as people write them, as regular expressions that match in linear time.

A filter is a piece of a path (``auth``) or a glob (``src/**/*.{js,ts}``). Whatever is typed becomes a valid expression
or a sentence that says what is wrong with it; only what Python, RE2 and the database read alike is put into one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from codecontext.core.errors import QueryError

MAX_CHARACTERS = 4_096
"""Longest path filter; no system has longer paths."""
_MAX_GLOB = 1_000
"""Characters of one with brackets or braces, whose ends are looked for."""
_MAX_WILDCARDS = 64
_MAX_DEPTH = 8
"""Braces within braces."""

_SPECIAL = frozenset("*?[{\\")
_LOOKED_FOR = frozenset("[{")
_ESCAPABLE = frozenset("*?[]{},!\\\"'")
_IN_EXPRESSIONS = frozenset("\\.+*?()|[]{}^$#&-~")
# Classes such as [[:alpha:]], without the slash, which no class matches.
_NAMED_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": "\\t ",
    "cntrl": "\\x01-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "!-.0-~",
    "lower": "a-z",
    "print": " -.0-~",
    "punct": "!-.:-@\\[-`{-~",
    "space": "\\t\\n\\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_ESCAPED = re.compile(r"\\.", re.DOTALL)
_NAMED_CLASS = re.compile(r"\[:(\w*):\]")


def path_pattern(text: str) -> str:
    """Regular expression for a path filter, in the syntax that Python, RE2 and the database share.

    A glob matches from the root of the folder or from any folder below it, and everything inside a folder that it
    names; ``/`` at its beginning ties it to the root. ``*`` stops at ``/`` and ``**`` does not; ``{a,b}`` is either,
    ``[a-z]`` one of. A backslash takes the next character as it is, or is a ``/`` where that needs no such thing.
    Text without any of these matches anywhere in a path. Brackets and braces that do not close stand for themselves.
    Case makes no difference.

    Raises ``QueryError`` for what has no meaning.
    """
    _check_characters(text)
    text = text.removeprefix("./")
    glob = text.lstrip("/").rstrip("/")
    translation = _Translation(glob)
    body = translation.all()
    is_anchored = text.startswith("/")
    if not is_anchored and not translation.wildcards:
        return f"(?is){_Translation(text).all()}"
    return f"(?is)^{'' if is_anchored else '(?:.*/)?'}{body}(?:/.*)?$" if glob else "(?is)"


def literal_filter(text: str, is_known: Callable[[str], bool]) -> str:
    """``text`` in which the name of a path or folder that there is stands for itself, also where it reads as a glob.

    ``is_known`` says whether some path in the index matches an expression. Folders of web frameworks are called
    ``[slug]`` and ``[[...all]]``, so what is copied from an explorer is tried first: the whole of it, then each name in
    it, as in ``app/[slug]/**``.
    """
    if not _SPECIAL.intersection(text):
        return text
    path = text.removeprefix("./").rstrip("/")
    whole = next((literal for literal in map(_literal, _spellings(path)) if is_known(path_pattern(literal))), None)
    if whole is not None:
        return whole
    names = [
        escaped(name)
        if name.strip("*?") and _SPECIAL.intersection(name) and is_known(path_pattern(_literal(name)))
        else name
        for name in path.split("/")
    ]
    return text if names == path.split("/") else _below("/".join(names))


def _spellings(path: str) -> list[str]:
    """``path`` as it is, and as it would be copied on Windows."""
    return list(dict.fromkeys([path, path.replace("\\", "/")]))


def _literal(path: str) -> str:
    return _below(escaped(path))


def _below(glob: str) -> str:
    """The glob in any folder, unless it is tied to the root; a glob it is in any case."""
    return glob if glob.startswith("/") else f"**/{glob}"


def escaped(path: str) -> str:
    """A filter in which no character of ``path`` means anything else."""
    return "".join(f"\\{character}" if character in _ESCAPABLE else character for character in path)


def split_alternatives(text: str) -> list[str]:
    """``text`` cut at its commas, but those in braces, in brackets or after a backslash."""
    parts, start, position = [], 0, 0
    while position < len(text):
        match text[position]:
            case "\\":
                position += 1
            case "{":
                position = (_closing_brace(text, position) or (position, []))[0]
            case "[":
                position = _closing_bracket(text, position) or position
            case ",":
                parts.append(text[start:position])
                start = position + 1
        position += 1
    return [part for part in [*parts, text[start:]] if part]


class _Translation:
    """One pass over a glob; ``wildcards`` counts what stands for something else than itself."""

    def __init__(self, glob: str, depth: int = 0) -> None:
        self._glob = glob
        self._depth = depth
        self.wildcards = 0

    def all(self) -> str:
        """The expression for the whole glob."""
        parts, position = [], 0
        while position < len(self._glob):
            part, position = self._next(position)
            parts.append(part)
            if self.wildcards > _MAX_WILDCARDS:
                raise QueryError(
                    f"The path filter '{_shown(self._glob)}' has more than {_MAX_WILDCARDS} wildcards.",
                    "Name a folder and an ending, as in path:src/**/*.py.",
                )
        return "".join(parts)

    def _next(self, position: int) -> tuple[str, int]:
        """Expression of the token at ``position``, and where the next one begins."""
        glob = self._glob
        match glob[position]:
            case "\\":
                following = glob[position + 1 : position + 2]
                return (_escape(following), position + 2) if following in _ESCAPABLE else ("/", position + 1)
            case "*":
                return self._stars(position)
            case "?":
                self.wildcards += 1
                return "[^/]", position + 1
            case "[" if end := _closing_bracket(glob, position):
                self.wildcards += 1
                return _character_class(glob[position + 1 : end], glob), end + 1
            case "{" if group := _closing_brace(glob, position):
                return self._either(group[1]), group[0] + 1
        return _escape(glob[position]), position + 1

    def _stars(self, position: int) -> tuple[str, int]:
        self.wildcards += 1
        end = position + 1
        while self._glob[end : end + 1] == "*":
            end += 1
        if end == position + 1:
            return "[^/]*", end
        return ("(?:.*/)?", end + 1) if self._glob[end : end + 1] == "/" else (".*", end)

    def _either(self, alternatives: list[str]) -> str:
        if self._depth == _MAX_DEPTH:
            raise QueryError(
                f"The path filter has braces in braces, more than {_MAX_DEPTH} deep.",
                "Use several filters, as in path:src path:lib.",
            )
        translations = [_Translation(alternative, self._depth + 1) for alternative in alternatives]
        expressions = [translation.all() for translation in translations]
        self.wildcards += len(alternatives) + sum(translation.wildcards for translation in translations)
        return f"(?:{'|'.join(expressions)})"


@lru_cache(maxsize=4096)
def _closing_bracket(glob: str, opening: int) -> int | None:
    """Where the class that begins at ``opening`` ends; None where it does not, or would have to match a slash."""
    position = opening + 1
    if glob[position : position + 1] in ("!", "^"):
        position += 1
    first = position
    while position < len(glob) and glob[position] != "/":
        if glob[position] == "]" and position > first:
            return position
        if glob.startswith("\\/", position):
            return None
        if named := _NAMED_CLASS.match(glob, position):
            position = named.end()
        else:
            position += 2 if glob[position] == "\\" else 1
    return None


@lru_cache(maxsize=4096)
def _closing_brace(glob: str, opening: int) -> tuple[int, list[str]] | None:
    """Where the group that begins at ``opening`` ends, and its alternatives; None where it is none.

    As in a shell, braces without a comma stand for themselves: folders are called ``{{project}}``.
    """
    depth, start, alternatives = 0, opening + 1, []
    position = opening
    while position < len(glob):
        match glob[position]:
            case "\\":
                position += 1
            case "[":
                position = _closing_bracket(glob, position) or position
            case "{":
                depth += 1
            case "," if depth == 1:
                alternatives.append(glob[start:position])
                start = position + 1
            case "}":
                depth -= 1
                if depth == 0:
                    return (position, [*alternatives, glob[start:position]]) if alternatives else None
        position += 1
    return None


def _character_class(members: str, glob: str) -> str:
    """Expression for a class with these ``members``, what stands between its brackets."""
    is_negated = members[0] in "!^"
    body, position = "", int(is_negated)
    while position < len(members):
        if named := _NAMED_CLASS.match(members, position):
            body += _named_class(named[1], glob)
            position = named.end()
            continue
        low, position = _member(members, position)
        if members[position : position + 1] == "-" and position + 1 < len(members):
            high, position = _member(members, position + 1)
            body += _range(low, high, glob)
        else:
            body += _escape(low)
    return f"[^{body}/]" if is_negated else f"[{body}]"


def _member(members: str, position: int) -> tuple[str, int]:
    if members[position] == "\\" and position + 1 < len(members):
        position += 1
    return members[position], position + 1


def _range(low: str, high: str, glob: str) -> str:
    """All characters from ``low`` to ``high`` but the slash."""
    if low > high:
        raise QueryError(
            f"The path filter '{_shown(glob)}' has a range in reverse order: '{low}-{high}'.",
            f"Write [{high}-{low}], or \\[ for a bracket that stands for itself.",
        )
    if low <= "/" <= high:
        before = f"{_escape(low)}-." if low < "/" else ""
        return before + (f"0-{_escape(high)}" if high > "/" else "")
    return f"{_escape(low)}-{_escape(high)}"


def _named_class(name: str, glob: str) -> str:
    if name not in _NAMED_CLASSES:
        raise QueryError(
            f"The path filter '{_shown(glob)}' names a class that does not exist: '[:{name}:]'.",
            f"The classes are {', '.join(_NAMED_CLASSES)}.",
        )
    return _NAMED_CLASSES[name]


def _escape(character: str) -> str:
    return f"\\{character}" if character in _IN_EXPRESSIONS else character


def _check_characters(text: str) -> None:
    limit = _MAX_GLOB if _LOOKED_FOR.intersection(_ESCAPED.sub("", text)) else MAX_CHARACTERS
    if len(text) > limit:
        raise QueryError(f"The path filter '{_shown(text)}' has more than {limit:,} characters.", "Use a shorter one.")
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise QueryError(
            f"The path filter {_shown(text)!a} has a character that cannot occur in a path.", "Remove that character."
        )


def _shown(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"
