"""Path filters as regular expressions."""

from __future__ import annotations

import re

import pytest

from codecontext.core.chunk import ChunkFilter
from codecontext.core.errors import QueryError
from codecontext.core.globs import path_pattern, split_alternatives


@pytest.mark.parametrize(
    ("glob", "path", "matches"),
    [
        ("auth", "src/authentication/token.py", True),
        ("auth", "src/user.py", False),
        ("AUTH", "src/auth.py", True),
        ("a.b", "axb/c.py", False),
        ("*.py", "src/deep/a.py", True),
        ("*.py", "src/deep/a.pyi", False),
        ("src/*.py", "src/a.py", True),
        ("src/*.py", "src/deep/a.py", False),
        ("src/**/*.py", "src/a.py", True),
        ("src/**/*.py", "src/deep/er/a.py", True),
        ("src/**", "lib/src/a.py", True),
        ("/src/**", "lib/src/a.py", False),
        ("test?", "test1/a.py", True),
        ("test[12]*", "test2_x/a.py", True),
        ("test[!12]*", "test2_x/a.py", False),
        ("./src/*.py", "src/a.py", True),
        ("**/*.{js,ts}", "src/a.ts", True),
        ("**/*.{js,ts}", "src/a.tsx", False),
        ("{src,lib/{a,b}}/**", "lib/b/x.py", True),
        ("{src,lib/{a,b}}/**", "lib/c/x.py", False),
        ("*.{py}", "a.{py}", True),
        ("*.{py}", "a.py", False),
        ("{{cookiecutter.name}}/*.py", "{{cookiecutter.name}}/a.py", True),
        ("app/(shop)/**", "app/(shop)/page.py", True),
        ("app/(shop)/**", "app/shop/page.py", False),
        ("[!]", "a[!]b", True),
        ("[", "a[b", True),
        ("x{a,", "x{a,b", True),
        ("[]a]*", "]x", True),
        ("[a/b]*", "a/b", False),
        ("[+-9]x", "ax/x", False),
        ("[+-9]x", "7x", True),
        ("[^a]?c", "abc", False),
        ("[[:alpha:]]*", "9a", False),
        ("[[:alpha:]]*", "a9", True),
        ("[[:punct:]]x", "a/x", False),
        (r"app/\[slug\]/**", "app/[slug]/page.py", True),
        (r"app/\[slug\]/**", "app/s/page.py", False),
        (r"a\*b", "a*b", True),
        (r"a\*b", "axb", False),
        (r"src\app", "src/app/x.py", True),
        (r"\!bang", "!bang.py", True),
        ("/src", "src/a.py", True),
        ("/src", "lib/src/a.py", False),
        ("src/*/", "src/deep/a.py", True),
        ("a b", "a b.py", True),
        ("größe?", "GRÖSSE/GRÖßE1", True),
        ("new*file", "new\nline/new\nfile", True),
    ],
)
def test_path_pattern(glob: str, path: str, *, matches: bool) -> None:
    assert bool(re.search(path_pattern(glob), path)) is matches


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[z-a]*", r"'\[z-a\]\*' has a range in reverse order: 'z-a'\. Write \[a-z\]"),
        ("[[:letter:]]", r"names a class that does not exist: '\[:letter:\]'\. The classes are alnum"),
        ("*a" * 65, "has more than 64 wildcards"),
        ("{a," * 9 + "b" + "}" * 9, "braces in braces, more than 8 deep"),
        ("[" * 2000, "has more than 1,000 characters"),
        ("a" * 5000, "has more than 4,096 characters"),
        ("a\0b", "a character that cannot occur in a path"),
        ("\udc80", "a character that cannot occur in a path"),
    ],
)
def test_what_has_no_meaning_is_said(text: str, sentence: str) -> None:
    with pytest.raises(QueryError, match=sentence):
        path_pattern(text)


@pytest.mark.parametrize(
    ("text", "there", "matches"),
    [
        ("app/[slug]", "app/[slug]/page.py", {"app/[slug]/page.py"}),
        ("[slug]/page.py", "app/[slug]/page.py", {"app/[slug]/page.py"}),
        ("app/[[...all]]/page.py", "app/[[...all]]/page.py", {"app/[[...all]]/page.py"}),
        ("app/[slug]/**", "app/[slug]/page.py", {"app/[slug]/page.py"}),
        (r"app\[slug]\page.py", "app/[slug]/page.py", {"app/[slug]/page.py"}),
        ("./app/[slug]/", "app/[slug]/page.py", {"app/[slug]/page.py"}),
        ("app/[slug]", "app/s/page.py", {"app/s/page.py"}),
        ("[z-a]*", "[z-a]*/x.py", {"[z-a]*/x.py"}),
        ("!app/[slug]", "app/[slug]/page.py", {"app/s/page.py", "app/l.py"}),
    ],
)
def test_a_name_that_is_there_means_itself(text: str, there: str, matches: set[str]) -> None:
    paths = {there, "app/s/page.py", "app/l.py"}

    def is_known(pattern: str) -> bool:
        return any(re.search(pattern, path) for path in paths)

    (path,) = ChunkFilter(paths=(text,)).with_literal_paths(is_known).paths
    pattern = path_pattern(path.removeprefix("!"))
    assert {name for name in paths if bool(re.search(pattern, name)) != path.startswith("!")} == matches


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a,b", ["a", "b"]),
        ("**/*.{js,ts},src", ["**/*.{js,ts}", "src"]),
        ("x[,]y,z", ["x[,]y", "z"]),
        (r"a\,b", [r"a\,b"]),
        ("{a,b", ["{a", "b"]),
        (",,", []),
    ],
)
def test_alternatives_are_cut_at_commas(text: str, parts: list[str]) -> None:
    assert split_alternatives(text) == parts


def test_a_filter_without_conditions_is_false() -> None:
    assert not ChunkFilter()
    assert ChunkFilter(languages=("python",))
