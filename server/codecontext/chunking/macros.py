"""Macros in declarations of C and C++, told from names by where they stand.

There is no list of macros here. A declaration has a type and a name; where there are more words than that, some are
macros, first of all those in capitals. A word on a line of its own before a declaration, a call without a semicolon
before one, and a word between a parameter list and a body are macros too. Bodies of functions are not looked at.

A call in capitals with a body (``TEST(Suite, Case) { ... }``) defines something that its arguments name.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise

from codecontext.chunking.preprocessor import CSource, blank, erase_directives_inside

# A statement with more tokens is data, not a declaration.
MAX_TOKENS = 4_000
# The first field of a struct is no longer than this.
MAX_FIELD_BYTES = 10_000

_TOKEN = re.compile(rb"[A-Za-z_$\x80-\xff][\w$\x80-\xff]*+|::|->|[^\s]")
_WORD = re.compile(rb"[A-Za-z_$\x80-\xff]")
_CAPITALS = re.compile(rb"(?=[A-Z_0-9]*[A-Z])[A-Z_][A-Z0-9_]+|__\w+")
_BRACES, _PARENTHESES, _SQUARES = (re.compile(pattern) for pattern in (rb"[{}]", rb"[()]", rb"[\[\]]"))
_FIELD_OR_END = re.compile(rb"[;:{}]")
# TRY_OR_LOG { ... }
_BLOCK_MACRO = re.compile(rb"[;{}]\s*+([A-Z_][A-Z0-9_]++)(?=\s*+\{)")
_ENUM_MACRO = re.compile(rb"[A-Z]\w*_(?:ENUM|OPTIONS)")
_NAME = re.compile(rb"[A-Za-z_]\w*")
# { NAME DEPRECATED_X("...") = 1, ... }
_ENUMERATOR_MACRO = re.compile(rb"[{,]\s*+[A-Za-z_]\w*+\s++([A-Z_][A-Z0-9_]++)\s*+(\()?")
# TEST_F(Suite, Case) has two names; BOOST_FIXTURE_TEST_CASE(Case, Fixture) and DEFINE_METHOD(name, argument) one.
_HAS_SUITE = re.compile(rb"TEST|BENCH|FUZZ|^(?:PHP|ZEND)_METHOD")
_NO_SUITE = re.compile(rb"_CASE|_GROUP")
_STRING = re.compile(rb'"((?:[^"\\\n]|\\.)*+)"')

_CLASS_KEYS = frozenset({b"class", b"struct", b"union", b"enum"})
_ACCESS = frozenset({b"public", b"private", b"protected"})
_BUILT_IN = frozenset(
    b"void bool char short int long float double signed unsigned auto wchar_t char8_t char16_t char32_t _Bool".split()
)
_SPECIFIERS = frozenset(
    b"static inline constexpr consteval constinit virtual explicit extern friend mutable register thread_local "
    b"volatile const typename export restrict _Noreturn _Thread_local __inline __inline__ __forceinline __restrict "
    b"__restrict__ __extension__ __thread".split()
)
# A word before one of these is no type.
_BEGINS = (
    _CLASS_KEYS | _BUILT_IN | _ACCESS | (_SPECIFIERS - {b"const", b"volatile", b"constexpr", b"restrict"})
    | frozenset({b"namespace", b"template", b"typedef", b"using", b"static_assert", b"operator", b"concept"})
)  # fmt: skip
_AFTER_PARAMETERS = frozenset(
    b"const volatile noexcept override final throw try requires mutable and or not asm __asm __asm__ except".split()
)
_CALL_LIKE = frozenset(
    b"decltype typeof __typeof__ __typeof alignas _Alignas explicit noexcept requires static_assert _Static_assert asm "
    b"__asm__ if for while switch return sizeof throw catch do else defined __attribute__ __declspec operator".split()
)
_NOT_DECLARED = frozenset(b"using friend static_assert import module return goto case default concept typedef".split())


@dataclass(frozen=True, slots=True)
class _Token:
    """A word, a mark, or all between two brackets (``text`` is ``()`` or ``[]`` then)."""

    text: bytes
    start: int
    end: int

    @property
    def is_word(self) -> bool:
        return _WORD.match(self.text) is not None

    @property
    def is_macro_like(self) -> bool:
        return _CAPITALS.fullmatch(self.text) is not None


@dataclass(slots=True)
class _Unit:
    """A type or a name in a declaration: tokens ``first`` to ``last``, and whether these are more than a word."""

    first: int
    last: int
    is_macro_like: bool
    is_word: bool


Names = dict[int, tuple[str, ...]]
"""Names that a parser does not find where it reads one: by the byte at which the name begins."""


class _Unreadable(Exception):
    """Brackets do not match: nothing behind can be told from anything else."""


@dataclass(slots=True)
class Rewritten:
    """Source for the parser. ``rows_of_macros`` are those that had macros and nothing else."""

    text: bytes
    names: Names
    rows_of_macros: list[int]


def erase_macros(source: CSource) -> Rewritten:
    """Erase the macros in declarations of ``source``."""
    before = bytes(source.readable)
    for match in _BLOCK_MACRO.finditer(bytes(source.code)):
        source.erase(*match.span(1))
    names = _Declarations(source).read()
    text = bytes(source.readable)
    return Rewritten(text, names, _erased_rows(before, text) if text != before else [])


def _erased_rows(before: bytes, after: bytes) -> list[int]:
    rows = enumerate(zip(before.split(b"\n"), after.split(b"\n"), strict=True))
    return [row for row, (old, new) in rows if old != new and not new.strip()]


class _Declarations:
    def __init__(self, source: CSource) -> None:
        self._source = source
        self._original = bytes(source.readable)
        self._code = bytes(source.code)
        self._directive_starts = [directive.start for directive in source.directives]
        self._names: Names = {}
        # Kinds and names of the scopes around; the file itself is a namespace.
        self._scopes: list[tuple[bytes, bytes]] = [(b"namespace", b"")]
        self._tokens: list[_Token] = []
        self._is_known = False

    def read(self) -> Names:
        with suppress(_Unreadable):
            self._read()
        return self._names

    def _read(self) -> None:
        position = 0
        while match := _TOKEN.search(self._code, position):
            text, start, position = match.group(), match.start(), match.end()
            if text == b"{":
                position = self._open(start)
            elif text == b"}":
                self._end_of_scope()
                if len(self._scopes) > 1:
                    self._scopes.pop()
            elif text == b";":
                self._declare(b";")
                self._restart()
            elif text == b":" and self._is_access():
                self._restart()
            elif text in (b"(", b"["):
                position = self._closing(start, _PARENTHESES if text == b"(" else _SQUARES, text)
                self._tokens.append(_Token(b"()" if text == b"(" else b"[]", start, position))
            else:
                self._tokens.append(_Token(text, start, position))
        self._end_of_scope()

    def _restart(self) -> None:
        self._tokens = []
        self._is_known = False

    def _closing(self, start: int, brackets: re.Pattern[bytes], opening: bytes) -> int:
        """The byte after the bracket that closes the one at ``start``."""
        depth = 0
        for match in brackets.finditer(self._code, start):
            depth += 1 if match.group() == opening else -1
            if not depth:
                return match.end()
        raise _Unreadable

    def _open(self, start: int) -> int:
        """Read the head before a brace; the byte at which reading goes on."""
        scope = self._declare(b"{", start)
        if scope is not None:
            self._restart()
            self._scopes.append(scope)
            return start + 1
        end = self._closing(start, _BRACES, b"{")
        following = _TOKEN.search(self._code, end)
        goes_on = following is not None and following.group() in (b",", b"{", b"(", b")", b"=", b";", b".")
        if goes_on:
            self._is_known = True
        else:
            self._restart()
        return end

    def _end_of_scope(self) -> None:
        """Macros at the end of a scope, which no declaration follows."""
        self._erase_calls(self._tokens)
        self._restart()

    def _is_access(self) -> bool:
        """Whether the tokens up to a colon are an access label. Its macros are erased then, and those before it."""
        tokens, kind = self._tokens, self._scopes[-1][0]
        if not tokens or kind == b"namespace":
            return False
        if tokens[-1].text in _ACCESS:
            self._erase_calls(tokens[:-1])
            return True
        # public slots:
        if len(tokens) > 1 and tokens[-2].text in _ACCESS and tokens[-1].is_word:
            self._erase(tokens[-1], tokens[-1])
            self._erase_calls(tokens[:-2])
            return True
        # signals:
        colon = self._code.find(b":", tokens[-1].end)
        is_line = not self._code[self._code.rfind(b"\n", 0, tokens[-1].start) + 1 : tokens[-1].start].strip()
        rest = self._code[colon + 1 : self._code.find(b"\n", colon) + 1 or len(self._code)]
        if tokens[-1].is_word and is_line and not rest.strip() and self._erase_calls(tokens[:-1], try_only=True):
            self._erase_calls(tokens[:-1])
            self._source.erase(tokens[-1].start, colon + 1)
            return True
        return False

    def _erase_calls(self, tokens: list[_Token], *, try_only: bool = False) -> bool:
        """Erase tokens that are macros, with or without arguments, and nothing else; whether they are."""
        index = 0
        while index < len(tokens):
            has_arguments = index + 1 < len(tokens) and tokens[index + 1].text == b"()"
            if not tokens[index].is_word or not (has_arguments or tokens[index].is_macro_like):
                return False
            index += 2 if has_arguments else 1
        if tokens and not try_only:
            self._erase(tokens[0], tokens[-1])
        return True

    def _erase(self, first: _Token, last: _Token) -> None:
        """Erase code, but no directive that stands in it."""
        directives, start = self._source.directives, first.start
        index = bisect_left(self._directive_starts, start)
        while index < len(directives) and directives[index].start < last.end:
            self._source.erase(start, directives[index].start)
            start = directives[index].end
            index += 1
        self._source.erase(start, last.end)

    # One declaration.

    def _declare(self, terminator: bytes, position: int = 0) -> tuple[bytes, bytes] | None:
        """Erase the macros of the declaration that the tokens are; the scope that it opens, if it does."""
        if self._is_known or not self._tokens or len(self._tokens) > MAX_TOKENS:
            return None
        start = self._after_leading_macros()
        if start is None or start >= len(self._tokens):
            return None
        tokens = self._tokens
        if tokens[start].text == b"extern" and _text(tokens, start + 1) == b'"':
            if start + 2 == len(tokens):
                return (b"namespace", b"") if terminator == b"{" else None
            start += 2
        key = start
        while _text(tokens, key) in _SPECIFIERS or _text(tokens, key) in (b"typedef", b"[]"):
            key += 1
        if _text(tokens, key) == b"namespace":
            if terminator == b"{":
                self._read_namespace(key + 1)
                return (b"namespace", b"")
            return None
        if terminator == b"{" and self._read_enum_macro(key):
            self._read_enumerators(position)
            return None
        if _text(tokens, key) in _CLASS_KEYS:
            name = self._read_class(key, terminator, position)
            if name is not None:
                self._erase_directives(start, position or tokens[-1].end)
                if tokens[key].text != b"enum":
                    return (b"class", name)
                self._read_enumerators(position)
                return None
        if tokens[start].text not in _NOT_DECLARED:
            self._read_declaration(start, terminator)
            if terminator == b"{":
                self._erase_directives(start, position)
        return None

    def _erase_directives(self, start: int, position: int) -> None:
        erase_directives_inside(self._source, self._directive_starts, self._tokens[start].start, position)

    def _after_leading_macros(self) -> int | None:
        """The token with which a declaration begins, after ``template <...>`` and macros, which are erased."""
        tokens, index = self._tokens, 0
        while index < len(tokens):
            token = tokens[index]
            if token.text == b"template" and _text(tokens, index + 1) == b"<":
                end = self._read_template_parameters(index + 1)
                if end is None:
                    return None
                index = end + 1
                continue
            if token.text == b"[]":
                index += 1
                continue
            run = index
            while run < len(tokens) and tokens[run].is_macro_like and tokens[run].text not in _SPECIFIERS:
                run += 2 if _text(tokens, run + 1) == b"()" else 1
            if run > index and _text(tokens, run) in _BEGINS - {b"operator"}:
                self._erase(token, tokens[run - 1])
                index = run
            elif not token.is_word or token.text in _BEGINS or token.text in _SPECIFIERS | _CALL_LIKE | _NOT_DECLARED:
                break
            elif _text(tokens, index + 1) == b"()" and self._is_call_before(index):
                self._erase(token, tokens[index + 1])
                index += 2
            elif _text(tokens, index + 1) in _BEGINS - {b"operator"} or _text(tokens, index + 1) == b"~":
                self._erase(token, token)
                index += 1
            else:
                break
        return index

    def _is_call_before(self, index: int) -> bool:
        """Whether a word with arguments is a macro before a declaration, and not the name that is declared."""
        tokens = self._tokens
        name, following = tokens[index], tokens[index + 2] if index + 2 < len(tokens) else None
        if following is None or name.text in _CALL_LIKE:
            return False
        if following.text in _AFTER_PARAMETERS:
            on_own_line = b"\n" in self._code[tokens[index + 1].end : following.start]
            return name.is_macro_like and following.text == b"const" and on_own_line
        if following.text == b"[]":
            return name.is_macro_like
        if following.text in (b"~", b"::"):
            return True
        is_constructor = name.text == self._scopes[-1][1] or not name.is_macro_like
        return following.is_word and not (is_constructor and following.is_macro_like)

    def _read_template_parameters(self, opening: int) -> int | None:
        """The token that closes ``template <``; calls among the parameters are erased. None if nothing does."""
        tokens = self._tokens
        closing = _closing_angle(tokens, opening)
        if closing is None:
            return None
        for index in range(opening + 1, closing - 1):
            call = tokens[index]
            # typename enable_if<...>::type* = nullptr
            if call.text in (b"*", b"&") and tokens[index + 1].text == b"=":
                self._erase(call, call)
            if (
                call.is_macro_like
                and tokens[index + 1].text == b"()"
                and tokens[index - 1].text in (b",", b"<")
                and tokens[index + 2].text in (b",", b">")
            ):
                comma = index - 1 if tokens[index - 1].text == b"," else index
                self._erase(tokens[comma], tokens[index + 1])
        return closing

    def _read_namespace(self, index: int) -> None:
        """Erase what is no part of a namespace's name."""
        words = [token for token in self._tokens[index:] if token.text != b"[]"]
        for token, following in pairwise(words):
            if token.is_word and token.text != b"inline" and (following.is_word or following.text == b"()"):
                last = following if following.text == b"()" else token
                if len(words) > 2 or following.is_word:
                    self._erase(token, last)

    def _read_class(self, key: int, terminator: bytes, position: int) -> bytes | None:
        """Erase the macros around the name of a class that has a body; its name, None if it is no class."""
        tokens, index = self._tokens, key + 1
        if terminator != b"{":
            return None
        if tokens[key].text == b"enum" and _text(tokens, index) in (b"class", b"struct"):
            index += 1
        units: list[_Unit] = []
        while index < len(tokens):
            token = tokens[index]
            if token.text == b"[]" or token.text == b"final":
                index += 1
            elif token.text == b":":
                break
            elif token.is_word or token.text == b"::":
                end = self._path(index)
                if end is None:
                    return None
                if _text(tokens, end) == b"()":
                    if units and not token.is_macro_like and token.text != b"alignas":
                        return None
                    units.append(_Unit(index, end, is_macro_like=True, is_word=False))
                    end += 1
                else:
                    is_word = end == index + 1
                    units.append(_Unit(index, end - 1, is_macro_like=is_word and token.is_macro_like, is_word=is_word))
                index = end
            else:
                return None
        names = [unit for unit in units if unit.is_word or not unit.is_macro_like]
        if not names:
            self._erase_units(units)
            return b""
        mixed = [unit for unit in names if not unit.is_macro_like]
        name = mixed[-1] if mixed else names[-1]
        others = [unit for unit in units if unit is not name]
        if index == len(tokens) and any(not unit.is_macro_like for unit in others):
            # struct point origin{0, 0}
            first = _FIELD_OR_END.search(self._code, position + 1, position + 1 + MAX_FIELD_BYTES)
            before = self._code[position + 1 : first.start()].strip() if first is not None else b""
            if first is None or (bool(before) if first.group() == b"}" else not before):
                return None
        self._erase_units(others)
        return tokens[name.last].text if tokens[name.last].is_word else tokens[name.first].text

    def _read_enum_macro(self, index: int) -> bool:
        """Whether the head is ``typedef NS_ENUM(type, Name)``; it becomes ``enum Name`` then."""
        tokens = self._tokens
        if index + 2 != len(tokens) or not _ENUM_MACRO.fullmatch(tokens[index].text):
            return False
        arguments = tokens[index + 1]
        comma = self._code.rfind(b",", arguments.start, arguments.end)
        name = self._code[comma + 1 : arguments.end - 1].strip() if comma >= 0 else b""
        if arguments.text != b"()" or not _NAME.fullmatch(name):
            return False
        start = self._code.index(name, comma)
        self._erase(tokens[0], arguments)
        self._source.readable[tokens[index].start : tokens[index].start + 4] = b"enum"
        self._source.readable[start : start + len(name)] = name
        return True

    def _read_enumerators(self, opening: int) -> None:
        """Erase what stands between the name of an enumerator and its value."""
        closing = self._closing(opening, _BRACES, b"{")
        for match in _ENUMERATOR_MACRO.finditer(self._code, opening, closing):
            start, end = match.span(1)
            if match.group(2):
                end = self._closing(match.start(2), _PARENTHESES, b"(")
            self._erase(_Token(b"", start, end), _Token(b"", start, end))

    def _erase_units(self, units: list[_Unit]) -> None:
        for unit in units:
            self._erase(self._tokens[unit.first], self._tokens[unit.last])

    def _path(self, index: int) -> int | None:
        """The token after a name such as ``a::B<C>::~D``, or after ``operator`` and what belongs to it."""
        tokens = self._tokens
        while True:
            if _text(tokens, index) == b"::":
                index += 1
            if _text(tokens, index) == b"~":
                index += 1
            if _text(tokens, index) == b"operator":
                index += 2 if _text(tokens, index + 1) == b"()" else 1
                while index < len(tokens) and tokens[index].text != b"()":
                    index += 1
                return index
            if index >= len(tokens) or not tokens[index].is_word:
                return index
            index += 1
            if _text(tokens, index) == b"<":
                closing = _closing_angle(tokens, index)
                if closing is None:
                    return None
                index = closing + 1
            if _text(tokens, index) != b"::":
                return index

    def _read_declaration(self, start: int, terminator: bytes) -> None:
        """Erase what is neither type nor name in a declaration of a function or variable."""
        tokens, units, index = self._tokens, [], start
        declarator: _Unit | None = None
        while index < len(tokens):
            token = tokens[index]
            if token.text in _SPECIFIERS or token.text in _CLASS_KEYS or token.text in (b"*", b"&", b"[]"):
                index += 1
            elif token.text in _BUILT_IN:
                first = index
                while _text(tokens, index) in _BUILT_IN:
                    index += 1
                units.append(_Unit(first, index - 1, is_macro_like=False, is_word=False))
            elif token.text in (b"decltype", b"typeof", b"__typeof__", b"alignas", b"explicit", b"noexcept"):
                is_type = token.text in (b"decltype", b"typeof", b"__typeof__")
                after = index + (2 if _text(tokens, index + 1) == b"()" else 1)
                units += [_Unit(index, after - 1, is_macro_like=False, is_word=False)] if is_type else []
                index = after
            elif token.text in _NOT_DECLARED or token.text in _AFTER_PARAMETERS:
                return
            elif token.is_word or token.text in (b"::", b"~"):
                end = self._path(index)
                if end is None:
                    return
                is_word = end == index + 1
                unit = _Unit(index, end - 1, is_macro_like=is_word and token.is_macro_like, is_word=is_word)
                if _text(tokens, end) == b"()":
                    if is_word and not (units and not unit.is_macro_like) and self._is_call_before(index):
                        self._erase(token, tokens[end])
                        index = end + 1
                        continue
                    declarator = unit
                    units.append(unit)
                    break
                units.append(unit)
                index = end
            else:
                break
        if declarator is not None:
            if len(units) == 1 and self._is_complete_call(declarator, terminator):
                return
            if self._is_constructor(declarator):
                self._erase_units([unit for unit in units[:-1] if unit.is_word])
                units = units[-1:]
            self._erase_after_parameters(declarator.last + 2)
        self._erase_extra(units, declarator)

    def _is_constructor(self, declarator: _Unit) -> bool:
        """Whether a declarator has no type: it bears the name of its class, or initializers follow its parameters."""
        name = self._tokens[declarator.last]
        is_own = name.text == self._scopes[-1][1] and declarator.last - declarator.first <= 1
        return is_own or _text(self._tokens, declarator.last + 2) == b":"

    def _erase_extra(self, units: list[_Unit], declarator: _Unit | None) -> None:
        """Erase units of a declaration until a type and a name are left."""
        extra = len(units) - 2
        macros = [unit for unit in units[:-1] if unit.is_macro_like][: max(extra, 0)]
        if len(macros) < extra and units[-1].is_macro_like:
            last = units[-1].last + (1 if units[-1] is declarator else 0)
            macros.append(_Unit(units[-1].first, last, is_macro_like=True, is_word=True))
        elif not macros and extra == 1 and units[0].is_word and declarator is not None:
            macros.append(units[0])
        if len(macros) >= extra:
            self._erase_units(macros)

    def _erase_after_parameters(self, index: int) -> None:
        tokens = self._tokens
        while index < len(tokens):
            token = tokens[index]
            has_arguments = _text(tokens, index + 1) == b"()"
            if token.text in (b"const", b"volatile", b"override", b"final", b"mutable", b"&", b"[]"):
                index += 1
            elif token.text in (b"noexcept", b"throw"):
                index += 2 if has_arguments else 1
            elif not token.is_word or token.text in _AFTER_PARAMETERS or token.text in _BEGINS | _SPECIFIERS:
                return
            elif token.is_macro_like or has_arguments or index + 1 == len(tokens):
                self._erase(token, tokens[index + 1] if has_arguments else token)
                index += 2 if has_arguments else 1
            else:
                return

    # Calls that define something.

    def _is_complete_call(self, macro: _Unit, terminator: bytes) -> bool:
        """Whether a word with arguments is a macro that stands for a whole declaration, with a body or a semicolon."""
        if terminator == b"{":
            return self._defines(macro)
        if not macro.is_macro_like or _text(self._tokens, macro.last + 2) not in (b"", b".", b"->"):
            return False
        # The arguments may be anything: types, operators, names of attributes.
        arguments = self._tokens[macro.last + 1]
        self._source.erase(arguments.start + 1, arguments.end - 1)
        return True

    def _defines(self, macro: _Unit) -> bool:
        """Whether a call with a body defines something that its arguments name; then it is made a definition."""
        token, arguments = self._tokens[macro.first], self._tokens[macro.last + 1]
        is_call = macro.is_word and (macro.is_macro_like or token.text == b"Test")
        if not is_call or len(token.text) < 3 or token.text == self._scopes[-1][1]:
            return False
        parts = self._names_in(token, arguments)
        if not parts:
            return False
        # A type, a name and empty parentheses, which every grammar of the family takes for a function.
        readable = self._source.readable
        name = token.start + 2
        readable[token.start + 1] = 0x20
        readable[arguments.start + 1 : arguments.end - 1] = blank(readable[arguments.start + 1 : arguments.end - 1])
        self._names[name] = parts
        index = macro.last + 2
        if _text(self._tokens, index) == b"()":
            self._erase(self._tokens[index], self._tokens[index])
            index += 1
        self._erase_after_parameters(index)
        return True

    def _names_in(self, macro: _Token, arguments: _Token) -> tuple[str, ...]:
        """What a call's arguments name: the first string, else suite and case, else the first word."""
        texts = list(self._arguments(arguments))
        for text in texts:
            string = _STRING.match(text)
            if string is not None:
                return (" ".join(string.group(1).decode("utf-8", "replace").split()),) if string.group(1) else ()
        words = [text.decode("utf-8", "replace") for text in texts[:2]]
        if not words or not all(word.replace("::", "_").replace("$", "_").isidentifier() for word in words[:1]):
            return ()
        kind = macro.text.upper()
        has_suite = _HAS_SUITE.search(kind) and not _NO_SUITE.search(kind)
        return tuple(words) if has_suite and words[-1].isidentifier() else (words[0],)

    def _arguments(self, group: _Token) -> Iterator[bytes]:
        """The first few arguments of a call, as they are in the file."""
        position, end = group.start + 1, group.end - 1
        for _ in range(3):
            if position >= end:
                return
            comma = self._code.find(b",", position, end)
            stop = end if comma < 0 else comma
            yield self._original[position:stop].strip()
            position = stop + 1


def _text(tokens: list[_Token], index: int) -> bytes:
    return tokens[index].text if index < len(tokens) else b""


def _closing_angle(tokens: list[_Token], opening: int) -> int | None:
    """The token that closes the ``<`` at ``opening``."""
    depth = 0
    for index in range(opening, len(tokens)):
        if tokens[index].text == b"<":
            depth += 1
        elif tokens[index].text == b">":
            depth -= 1
            if not depth:
                return index
    return None
