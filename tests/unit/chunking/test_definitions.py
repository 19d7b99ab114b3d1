"""What a chunk of source code knows, and where it begins and ends."""

from __future__ import annotations

from textwrap import dedent

import pytest

from codecontext.chunking import ChunkingConfig, chunk_source
from codecontext.core import Chunk, ChunkKind


def chunks_of(source: str, path: str = "sample.py", **limits: int) -> list[Chunk]:
    return chunk_source(path, dedent(source).encode(), ChunkingConfig(**limits))


def only_chunk(source: str, path: str) -> Chunk:
    (chunk,) = chunks_of(source, path)
    return chunk


@pytest.mark.parametrize(
    ("path", "source", "doc"),
    [
        ("a.py", 'def f():\n    """Adds.\n\n    Twice.\n    """\n', "Adds.\n\nTwice."),
        ("a.py", "def f():\n    r'''Adds \\d.'''\n", "Adds \\d."),
        ("a.py", "# Adds.\n# Twice.\ndef f(): ...\n", "Adds.\nTwice."),
        ("a.py", "# Above.\ndef f():\n    'Inside.'\n", "Inside."),
        ("a.py", "# noqa: E501\ndef f(): ...\n", ""),
        ("a.js", "/**\n * Adds {@link Foo}.\n *\n * @param {number} a - one\n */\nfunction f(a) {}\n",
         "Adds Foo.\n\n@param {number} a - one"),
        ("a.js", "// eslint-disable-next-line\n// Adds.\nconst f = () => {};\n", "Adds."),
        ("a.java", "/** Adds <b>two</b> {@code int}s. */\nclass F { void g() {} }\n", "Adds two ints."),
        ("a.cs", "/// <summary>\n/// Adds.\n/// </summary>\nclass F { }\n", "Adds."),
        ("a.go", "// F adds.\n//\n// Twice.\nfunc F() {}\n", "F adds.\n\nTwice."),
        ("a.rs", "/// Adds.\n#[inline]\n/// Twice.\nfn f() {}\n", "Adds.\nTwice."),
        ("a.c", "/*\n * Adds.\n */\nint f(void) { return 0; }\n", "Adds."),
        ("a.rb", "# Adds.\ndef f\nend\n", "Adds."),
        ("a.lua", "--- Adds.\nfunction f() end\n", "Adds."),
        ("a.sql", "-- Adds.\nCREATE TABLE f (id INT);\n", "Adds."),
        ("a.ex", 'defmodule M do\n  @doc "Adds."\n  def f(a), do: a\nend\n', ""),
        ("a.py", '"""The module."""\nLIMIT = 1\n', "The module."),
        ("a.js", "#!/usr/bin/env node\n// The module.\nrun(1);\n", "The module."),
        ("a.js", "// Copyright 2020 Somebody\n\nrun(1);\n", ""),
        ("a.rs", "//! The crate.\nuse a::b;\n", "The crate."),
    ],
)  # fmt: skip
def test_documentation_is_plain_text(path: str, source: str, doc: str) -> None:
    assert only_chunk(source, path).doc == doc


@pytest.mark.parametrize(
    ("path", "source", "signature"),
    [
        ("a.py", "@cache\ndef f(\n    a: int,\n    b: str = 'x',\n) -> dict[str, int]:\n    pass\n",
         "def f( a: int, b: str = 'x', ) -> dict[str, int]"),
        ("a.py", "def f():  # noqa\n    # Why.\n    pass\n", "def f()"),
        ("a.py", "class A(Base, metaclass=M):\n    pass\n", "class A(Base, metaclass=M)"),
        ("a.js", "export default async function f(a) {}\n", "export default async function f(a)"),
        ("a.js", "export const f = async (a) => a;\n", "export const f = async (a)"),
        ("a.ts", "export class A<T> extends B<T> {}\n", "export class A<T> extends B<T>"),
        ("a.go", "func (s *Set[T]) Add(v T) error { return nil }\n", "func (s *Set[T]) Add(v T) error"),
        ("a.go", "type A struct { b int }\n", "type A struct"),
        ("a.rs", "impl<T> Iterator for A<T> { }\n", "impl<T> Iterator for A<T>"),
        ("a.cpp", "template <class T>\nT A<T>::get() const {\n  return t;\n}\n", "T A<T>::get() const"),
        ("a.rb", "class A < B\n  X = 1\nend\n", "class A < B"),
        ("a.sql", "CREATE TABLE a (\n  id INT\n);\n", "CREATE TABLE a"),
        ("a.py", "X = 1\n", ""),
    ],
)  # fmt: skip
def test_signature_is_the_declaration_on_one_line(path: str, source: str, signature: str) -> None:
    assert only_chunk(source, path).signature == signature


def test_signature_has_a_limit() -> None:
    parameters = ", ".join(f"parameter_{number}" for number in range(100))
    chunk = only_chunk(f"def f({parameters}): ...\n", "a.py")
    assert len(chunk.signature) == 300
    assert chunk.signature.startswith("def f(parameter_0, ")


@pytest.mark.parametrize(
    ("path", "source", "qualified_name", "symbol", "kind"),
    [
        ("a.cpp", "int ns::Box<T>::get() { return 1; }\n", "ns.Box.get", "get", ChunkKind.METHOD),
        ("a.cpp", "bool A::operator==(const A& o) { return true; }\n", "A.operator==", "operator==", ChunkKind.METHOD),
        ("a.cpp", "A::~A() {}\n", "A.~A", "~A", ChunkKind.METHOD),
        ("a.js", "Foo.prototype.bar = function () {};\n", "Foo.bar", "bar", ChunkKind.METHOD),
        ("a.js", "module.exports = function () {};\n", "exports", "exports", ChunkKind.FUNCTION),
        ("a.js", "exports.f = () => 1;\n", "f", "f", ChunkKind.FUNCTION),
        ("a.js", "const a = { f() {}, g() {} };\n", "a", "a", ChunkKind.CLASS),
        ("a.js", "const a = { f: 1 };\n", "", "", ChunkKind.MODULE),
        ("a.lua", "function M.a:b() end\n", "M.a.b", "b", ChunkKind.METHOD),
        ("a.go", "func (l List[T]) Len() int { return 0 }\n", "List.Len", "Len", ChunkKind.METHOD),
        ("a.kt", "fun String.shout() = 1\n", "String.shout", "shout", ChunkKind.METHOD),
        ("a.rs", "impl a::Read for &mut b::Pipe<u8> { }\n", "b.Pipe", "Pipe", ChunkKind.CLASS),
        ("a.rb", "class A::B\nend\n", "A.B", "B", ChunkKind.CLASS),
        ("a.ts", "namespace a.b { export function f() {} }\n", "a.b.f", "f", ChunkKind.FUNCTION),
        ("a.tf", 'resource "aws_s3_bucket" "logs" {\n}\n', "aws_s3_bucket.logs", "logs", ChunkKind.CLASS),
    ],
)
def test_qualified_names_are_joined_by_dots(
    path: str, source: str, qualified_name: str, symbol: str, kind: ChunkKind
) -> None:
    chunk = only_chunk(source, path)
    assert (chunk.qualified_name, chunk.symbol, chunk.kind) == (qualified_name, symbol, kind)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("a.py", "# About f.\n@cache\n# Why.\n@retry\ndef f(): ...\n"),
        ("a.ts", "/** About f. */\n@Component({\n  a: 1,\n})\nexport class F {}\n"),
        ("a.java", "// About f.\n@Service\n@Scope(\"x\")\nclass F { void g() {} }\n"),
        ("a.rs", "/// About f.\n#[derive(Debug)]\n#[serde(\n    rename\n)]\npub struct F { a: u8 }\n"),
        ("a.cs", "// About f.\n[Serializable]\nclass F { }\n"),
        ("a.php", "<?php\n// About f.\n#[Attribute]\nclass F { }\n"),
        ("a.cpp", "// About f.\ntemplate <typename T>\n[[nodiscard]]\nT f() { return T(); }\n"),
        ("a.go", "// About f.\ntype F struct{ a int }\n"),
    ],
)  # fmt: skip
def test_what_stands_above_a_definition_belongs_to_it(path: str, source: str) -> None:
    opening, closing = ("#", "") if path.endswith(".py") else ("/*", "*/")
    unrelated = f"{opening} {'unrelated ' * 12}{closing}"
    above = "<?php\n" if path.endswith(".php") else ""
    body = source.removeprefix(above)

    *_, chunk = chunks_of(f"{above}{unrelated}\n\n{body}", path)

    assert chunk.symbol.lower() == "f"
    assert chunk.text == body.removesuffix("\n")
    assert chunk.doc.startswith("About f.")


def test_doc_block_may_stand_apart_from_its_definition() -> None:
    source = "'use strict';\n\n/**\n * About f.\n */\n\nres.f = function f() {};\n"
    (chunk,) = chunks_of(source, "a.js")
    assert (chunk.symbol, chunk.start_line, chunk.doc) == ("f", 1, "About f.")


def test_doc_block_at_the_top_of_a_file_is_about_the_file() -> None:
    source = f"/**\n * About everything{' here' * 20}.\n */\n\nfunction f() {{}}\n"
    module, function = chunks_of(source, "a.js")
    assert (module.kind, function.doc) == (ChunkKind.MODULE, "")
    assert module.doc.startswith("About everything")


def test_small_class_is_one_chunk_and_a_large_one_is_split() -> None:
    source = '''
        class Account:
            """Money of a customer."""

            currency = "EUR"

            # Adds money.
            def deposit(self, amount):
                self.balance += amount

            @property
            def balance(self):
                return self._balance
        '''
    (whole,) = chunks_of(source)
    assert (whole.kind, whole.symbol, whole.doc) == (ChunkKind.CLASS, "Account", "Money of a customer.")

    header, deposit, balance = chunks_of(source, target_lines=5)
    assert header.text == 'class Account:\n    """Money of a customer."""\n\n    currency = "EUR"'
    assert header.signature == "class Account\ndef deposit(self, amount)\ndef balance(self)"
    assert deposit.text.startswith("    # Adds money.\n    def deposit")
    assert (deposit.qualified_name, deposit.kind, deposit.doc) == ("Account.deposit", ChunkKind.METHOD, "Adds money.")
    assert balance.text.startswith("    @property\n")


def test_outline_of_a_split_class_has_a_limit() -> None:
    methods = "".join(f"    def method_{number}(self): ...\n" for number in range(100))
    header, *members = chunks_of(f"class A:\n{methods}", max_outline_chars=60)
    assert len(members) == 100
    assert header.signature == "class A\ndef method_0(self)\ndef method_1(self)\ndef method_2(self)"


def test_large_class_without_methods_is_cut_between_its_fields() -> None:
    fields = "".join(f"    # About {number}.\n    field_{number}: int = {number}\n" for number in range(100))
    chunks = chunks_of(f"class A:\n{fields}")
    assert len(chunks) > 1
    assert {(chunk.kind, chunk.symbol) for chunk in chunks} == {(ChunkKind.CLASS, "A")}
    assert all(chunk.text.startswith("    # About ") for chunk in chunks[1:])


def test_nested_function_stays_with_its_parent() -> None:
    (chunk,) = chunks_of("def f():\n    def g():\n        return 1\n    return g\n")
    assert chunk.qualified_name == "f"


def test_long_function_is_cut_between_statements_and_its_functions_stand_alone() -> None:
    steps = "".join(
        f"    # Step {number}.\n    if step_{number}:\n        run({number})\n        stop({number})\n"
        for number in range(20)
    )
    helper = "    def helper(a):\n        b = a\n        c = b\n        d = c\n        return d\n"

    chunks = chunks_of(f"def f():\n{steps}{helper}{steps}")

    nested = [chunk for chunk in chunks if chunk.symbol == "helper"]
    pieces = [chunk for chunk in chunks if chunk.symbol == "f"]
    assert [chunk.qualified_name for chunk in nested] == ["f.helper"]
    assert len(pieces) >= 4
    assert {(chunk.qualified_name, chunk.signature, chunk.kind) for chunk in pieces} == {
        ("f", "def f()", ChunkKind.FUNCTION)
    }
    assert all(chunk.text.startswith("    # Step ") for chunk in pieces[1:])
    assert all(chunk.end_line - chunk.start_line < 50 for chunk in pieces)


def test_function_within_the_limits_stays_whole() -> None:
    body = "    x += 1\n" * 119
    assert len(chunks_of(f"def f():\n{body}")) == 1
    assert len(chunks_of(f"def f():\n{body}    x += 1\n")) > 1


def test_tiny_source_between_definitions_joins_the_definition_it_belongs_to() -> None:
    first, second = chunks_of(
        """
        import os

        def first():
            return 1

        register(first)

        # Helpers.

        def second():
            return 2

        # ================================================================================================

        if __name__ == "__main__":
            second()
        """
    )
    assert first.text.startswith("import os")
    assert first.text.endswith("register(first)\n\n# Helpers.")
    assert second.text.endswith("    second()")


def test_comment_apart_from_a_definition_joins_the_next_one() -> None:
    first, second = chunks_of("def first(): ...\n\n# --- Helpers ---\n\ndef second(): ...\n")
    assert first.text == "def first(): ..."
    assert second.text == "# --- Helpers ---\n\ndef second(): ..."


def test_long_source_between_definitions_is_a_block() -> None:
    table = "\n".join(f'    "name {number}": {number},' for number in range(20))
    kinds = [
        (chunk.kind, chunk.start_line, chunk.end_line)
        for chunk in chunks_of(f"import a\n{'import b, c, d, e' * 12}\n\ndef f(): ...\n\nTABLE = {{\n{table}\n}}\n")
    ]
    assert kinds == [(ChunkKind.MODULE, 1, 2), (ChunkKind.FUNCTION, 4, 4), (ChunkKind.BLOCK, 6, 27)]


def test_closing_brackets_are_no_chunk() -> None:
    source = "namespace a {\nnamespace b {\nint f() { return 1; }\n}\n\n}\n"
    (chunk,) = chunks_of(source, "a.cpp")
    assert (chunk.start_line, chunk.end_line) == (1, 3)
    assert chunks_of("{\n}\n\n();\n", "a.js") == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("a.py", "def first(:\n    return = 1\n\ndef second():\n    return 2\n"),
        ("a.js", "function first() { return 1 +; }\n} ))\nfunction second() { return 2; }\n"),
        ("a.java", "class A {\n  void first() { if ( }\n  void second() { }\n"),
        ("a.go", "package a\n\nfunc first() { x := }\n\nfunc second() {}\n"),
        ("a.c", "int first(void) { return 1 +; }\n@@@\nint second(void) { return 2; }\n"),
        ("a.rs", "fn first( { }\n\nfn second() {}\n"),
    ],
)
def test_broken_source_still_gives_definitions(path: str, source: str) -> None:
    found = [chunk.symbol for chunk in chunks_of(source, path, target_lines=1)]
    assert [name for name in found if name in {"first", "second"}] == ["first", "second"]


def test_definitions_on_one_line_are_one_chunk() -> None:
    chunk = only_chunk("function a() {} function b() {}\n", "a.js")
    assert (chunk.symbol, chunk.text) == ("a", "function a() {} function b() {}")


def test_definition_that_begins_where_another_one_ends_begins_on_the_next_line() -> None:
    first, second = chunks_of("function a() {\n  one();\n} function b() {\n  two();\n}\n", "a.js")
    assert (first.symbol, first.start_line, first.end_line) == ("a", 1, 3)
    assert (second.symbol, second.start_line, second.end_line) == ("b", 4, 5)


def test_minified_line_becomes_slices_with_the_same_number() -> None:
    line = "".join(f"function f{number}(a){{return a+{number}}};" for number in range(1000))
    chunks = chunks_of(f"// Built.\n{line}\n", "a.js")
    assert "".join(chunk.text for chunk in chunks if chunk.start_line == 2) == line
    assert all(len(chunk.text) <= 1800 for chunk in chunks)


@pytest.mark.parametrize(
    ("lang", "definition"),
    [("", "const f = (a) => {\n  return a;\n}"), (' lang="ts"', "const f = (a: number): number => {\n  return a;\n}")],
)
def test_script_of_a_vue_file_is_read_in_its_own_language(lang: str, definition: str) -> None:
    chunks = chunks_of(f"<template>\n<p>Hi</p>\n</template>\n\n<script{lang}>\n{definition}\n</script>\n", "a.vue")
    (chunk,) = [chunk for chunk in chunks if chunk.symbol == "f"]
    assert chunk.language == "vue"
    assert definition in chunk.text


def test_items_inside_a_rust_macro_are_found() -> None:
    chunks = chunks_of("cfg_rt! {\n    /// Starts.\n    pub fn spawn() {}\n\n    pub struct Handle;\n}\n", "a.rs")
    assert [(chunk.qualified_name, chunk.doc) for chunk in chunks] == [("spawn", "Starts."), ("Handle", "")]
