"""Sources that a grammar misreads: macros, split heads, and dialects of what the grammar knows."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codecontext.chunking import chunk_source
from codecontext.chunking.cython import as_python
from codecontext.chunking.definitions import SourceDefinition, read_definitions
from codecontext.chunking.macros import erase_macros
from codecontext.chunking.objective_c import halves, without_macros
from codecontext.chunking.preprocessor import lex, resolve_conditionals, simplify_directives
from codecontext.chunking.sql_routines import read_sql, without_routines

SAMPLES = {
    path.stem: path.read_text("utf-8").partition("=====\n")[0]
    for path in (Path(__file__).parent / "samples").glob("*.txt")
}


def definition(path: str, source: str, name: str) -> SourceDefinition:
    (found,) = [item for item in read_definitions(path, source) if item.qualified_name == name]
    return found


def names_of(path: str, source: str) -> list[str]:
    return [item.qualified_name for item in read_definitions(path, source)]


@pytest.mark.parametrize(
    "head",
    [
        "class SHOP_API Cart",
        "class SHOP_API Cart final : public Base<int>",
        "class SHOP_DEPRECATED(\"use (b)\") Cart : Base",
        "class __attribute__((visibility(\"default\"))) Cart",
        "class __declspec(dllexport) Cart",
        "class [[nodiscard]] SHOP_API alignas(8) Cart",
        "class CAPABILITY(\"mutex\") SCOPED_CAPABILITY Cart",
        "class Cart SHOP_FINAL",
        "class Foundation_API Cart",
        "class SHOP_API\n    Cart\n    : public Base",
        "SHOP_BEGIN\nclass Cart",
        "SHOP_REGISTER(a, \"}\")\nclass Cart",
        "template <typename T, SHOP_ENABLE_IF(is_a<T>::value)> class Cart",
        "template <typename T, typename std::enable_if<A<T>::v>::type* = nullptr> class SHOP_API Cart",
        "class Cart\n#ifdef A\n    : public Base\n#endif\n",
        "#if A\nclass Cart : public Base {\n#else\nclass Cart\n#endif\n",
        "#if __has_include(<a>)\n#endif\nclass Cart",
    ],
)  # fmt: skip
@pytest.mark.parametrize("before", ["", "int a;\n\n", "namespace shop {\n"])
def test_a_class_is_found_behind_its_macros(before: str, head: str) -> None:
    opening = "" if "{\n#else" in head else " {"
    closing = "}" if "shop" in before else ""
    source = f"{before}{head}{opening}\n public:\n  int size() const;\n  int size_;\n}};\n{closing}\n"
    found = [item for item in read_definitions("a.hpp", source) if item.name == "Cart"]
    assert [item.kind.value for item in found] == ["class"]
    lines = source.split("\n")
    assert "Cart" in lines[found[0].header_line - 1]
    assert lines[found[0].end_line - 1] == "};"


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("void run() EXCLUSIVE_LOCKS_REQUIRED(mu) {\n}\n", "run"),
        ("SHOP_API int run(int a) {\n}\n", "run"),
        ("SHOP_API const std::string& run(int a) SHOP_NOEXCEPT {\n}\n", "run"),
        ("static SHOP_INLINE int SHOP_CALL run(int a) {\n}\n", "run"),
        ("__global__ __launch_bounds__(BLOCK) void run(int n) {\n}\n", "run"),
        ("SHOP_DEPRECATED(\"a\")\nint run() {\n}\n", "run"),
        ("struct A { SHOP_CONSTEXPR A() : a(1) {}\n int a; };\n", "A.A"),
        ("int Cart::run() SHOP_LOCKS(mu) {\n}\n", "Cart.run"),
        ("#ifdef A\nint run(int a) {\n#else\nint run(long a) {\n#endif\n}\n", "run"),
        ("#ifdef __cplusplus\nextern \"C\" {\n#endif\nSHOP_API int run() {\n}\n#ifdef __cplusplus\n}\n#endif\n", "run"),
        ("void run() {\n  SHOP_TRY {\n    a();\n  } SHOP_CATCH(b)\n}\nSHOP_END\n", "run"),
    ],
)  # fmt: skip
def test_a_function_is_found_between_its_macros(source: str, name: str) -> None:
    found = definition("a.cpp", source, name)
    assert "run" in source.split("\n")[found.header_line - 1] or name == "A.A"


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ("TEST(Cart, Adds)", "Cart.Adds"),
        ("TEST_F(CartTest, Adds)", "CartTest.Adds"),
        ("TEST_P(CartTest, Adds)", "CartTest.Adds"),
        ("TYPED_TEST(CartTest, Adds)", "CartTest.Adds"),
        ('TEST_CASE("adds: one, two", "[cart]")', "adds: one, two"),
        ('TEST_CASE_METHOD(Fixture, "adds", "[cart]")', "adds"),
        ('SCENARIO("adds")', "adds"),
        ("BENCHMARK_DEFINE_F(CartBench, Adds)(benchmark::State& state)", "CartBench.Adds"),
        ("BOOST_AUTO_TEST_CASE(adds)", "adds"),
        ("BOOST_FIXTURE_TEST_CASE(adds, Fixture)", "adds"),
        ('MATCHER_P(IsNear, x, "is near")', "is near"),
        ("SYSCALL_DEFINE2(close, unsigned int, fd)", "close"),
        ("Test(cart, adds)", "cart.adds"),
    ],
)
@pytest.mark.parametrize("path", ["a.cpp", "a.c"])
def test_a_case_has_the_name_that_its_arguments_say(path: str, call: str, name: str) -> None:
    source = f"int a;\n\n// About it.\n{call} {{\n  run();\n}}\n\nint b(void) {{\n  return 1;\n}}\n"
    found = definition(path, source, name)
    assert (found.start_line, found.header_line, found.end_line, found.doc) == (3, 4, 6, "About it.")
    assert names_of(path, source) == [name, "b"]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("a.cpp", "struct point origin{0, 0};\nint f() { return 1; }\n"),
        ("a.cpp", "struct Foo* make(int a) { return 0; }\n"),
        ("a.cpp", "Status Make(int a) const { return Status(); }\n"),
        ("a.cpp", "const Foo bar = MAKE(1);\nunsigned long int f(void) { return 1; }\n"),
        ("a.cpp", "DB::DB(int A) : a_(A), b_{A} {}\n"),
        ("a.cpp", "#if A\nint f() { return 1; }\n#else\nint f() { return 2; }\n#endif\n"),
        ("a.c", "int f(a, b)\n  int a;\n  char *b;\n{\n  return 1;\n}\n"),
        ("a.c", 'enum { A, B };\nstatic const char *names[] = {"a", "b"};\n'),
    ],
)
def test_what_has_no_macro_is_read_as_it_is(path: str, source: str) -> None:
    lexed = lex(source.encode())
    simplify_directives(lexed)
    resolve_conditionals(lexed, is_cpp=path.endswith("cpp"))
    assert erase_macros(lexed).text == source.encode()


def test_signature_and_text_are_those_of_the_file() -> None:
    source = "/// Shows.\nclass SHOP_API View : public Base {\n  int size_ GUARDED_BY(mu_);\n};\n"
    (chunk,) = chunk_source("a.h", source.encode())
    assert (chunk.text, chunk.signature, chunk.doc) == (
        source.rstrip("\n"),
        "class SHOP_API View : public Base",
        "Shows.",
    )


def test_macros_above_a_class_belong_to_it() -> None:
    source = "int a;\n\n// About it.\nUCLASS(Blueprintable)\nSHOP_NOTE\nclass View {\n  int size_;\n};\n"
    found = definition("a.h", source, "View")
    assert (found.start_line, found.header_line, found.end_line, found.doc) == (3, 6, 8, "About it.")


def test_a_header_is_read_as_cpp_when_that_fits_better() -> None:
    source = "SHOP_BEGIN\nenum class State { Idle };\nconstexpr int twice(int a) { return a + a; }\nSHOP_END\n"
    assert names_of("a.h", source) == ["State", "twice"]


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("create or alter procedure dbo.[Add Item] @Id INT\nAS\nBEGIN\n  SELECT 1;\nEND\nGO\n", "dbo.Add Item"),
        ("CREATE PROC AddItem AS\nSELECT 1;\nSELECT 2;\nGO\n", "AddItem"),
        ("CREATE PROCEDURE p()\nBEGIN\n  CASE a WHEN 1 THEN SELECT 1; END CASE;\nEND;\n", "p"),
        ("CREATE FUNCTION `f`(a INT) RETURNS INT DETERMINISTIC\n  RETURN a;\n", "f"),
        ("CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET @s = 1;\n", "t"),
        ("CREATE PROCEDURE shop.touch(p int) LANGUAGE plpgsql AS $$\nBEGIN\n  SELECT ';';\nEND;\n$$;\n", "shop.touch"),
        ("CREATE OR REPLACE FUNCTION f(a NUMBER) RETURN NUMBER IS\n  v NUMBER;\nBEGIN\n  RETURN 1;\nEND f;\n/\n", "f"),
    ],
)  # fmt: skip
def test_a_routine_ends_where_its_dialect_ends_it(name: str, row: str) -> None:
    source = f"-- About it.\n{name}CREATE TABLE after_it (id INT);\n"
    found = definition("a.sql", source, row)
    lines = source.split("\n")
    last = next(number for number, line in enumerate(lines, 1) if line in ("GO", "/") or "after_it" in line) - 1
    assert (found.start_line, found.end_line, found.doc) == (1, last, "About it.")
    assert "after_it" in names_of("a.sql", source)


WORDS = (
    "class struct enum namespace template extern public typedef operator const SHOP_API SHOP_X( ) ( { } [ ] < > : :: "
    '; , = ~ * & #if #else #endif #elif #define #include A a TEST(a,b) " \' // /* */ R"( \\ '
    "@interface @implementation @end @class - + cdef cpdef ctypedef cimport def extern: from nogil: "
    "CREATE PROCEDURE AS BEGIN END GO / DELIMITER // $$ {% macro endmacro %} {{ }} [dbo] `a` ünï 𝄞"
)
FRAGMENTS = st.sampled_from((*WORDS.split(), "\n", "\n\n", " ", "\t", "\\\n"))
TEXTS = st.lists(FRAGMENTS, max_size=60).map(" ".join) | st.lists(FRAGMENTS, max_size=60).map("".join)


@settings(max_examples=500, deadline=None)
@given(text=TEXTS | st.text(max_size=100))
def test_rewritten_source_has_the_same_length_and_lines(text: str) -> None:
    source = text.encode("utf-8", "replace")
    lexed = lex(source)
    simplify_directives(lexed)
    resolve_conditionals(lexed, is_cpp=True)
    sql = read_sql(source)
    for rewritten in (
        bytes(lexed.code),
        erase_macros(lexed).text,
        without_macros(source).text,
        *halves(source),
        as_python(source),
        sql.text,
        without_routines(sql.text, sql.routines),
    ):
        assert len(rewritten) == len(source)
        assert ends_of_lines(rewritten) == ends_of_lines(source)


def ends_of_lines(source: bytes) -> list[int]:
    return [place for place, byte in enumerate(source) if byte == 0x0A]


@pytest.mark.parametrize(
    "sample", ["macros.hpp", "cpp.cpp", "c.c", "bridge.mm", "cython.pyx", "tsql.sql", "oracle.sql"]
)
def test_lines_move_with_the_source(sample: str) -> None:
    source = SAMPLES[sample]
    moved = read_definitions(sample, f"\n\n{source}")
    assert [(item.qualified_name, item.start_line - 2, item.end_line - 2) for item in moved] == [
        (item.qualified_name, item.start_line, item.end_line) for item in read_definitions(sample, source)
    ]


COUNT = 20_000
HOSTILE = {
    "branches": ("a.cpp", "#if A\n{\n#else\n{\n" * COUNT + "#endif\n" * COUNT),
    "comments in a definition": ("a.cpp", "#define A /* \\\n" * COUNT),
    "raw strings": ("a.cpp", 'R"(' * COUNT),
    "macros": ("a.cpp", "A_B " * COUNT),
    "calls": ("a.cpp", "AB(x) " * COUNT),
    "templates": ("a.cpp", "template<" * COUNT),
    "cases": ("a.cpp", "TEST(a,b) " * COUNT),
    "interfaces": ("a.mm", "@interface A\n" * COUNT),
    "classes on a line": ("a.m", "@class " * COUNT),
    "members": ("a.sql", "CREATE PACKAGE BODY a AS " + "\nPROCEDURE a " * COUNT),
    "templates of dbt": ("a.sql", "{% macro a(b) %}" * COUNT),
    "procedures": ("a.sql", "CREATE PROCEDURE a\n" * COUNT),
    "blocks": ("a.sql", "CREATE PROCEDURE a AS " + "BEGIN " * COUNT),
    "declarations": ("a.pyx", "cdef a(" * COUNT),
    "casts": ("a.pyx", "(<a" * COUNT),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_source_is_cut_all_the_same(name: str) -> None:
    path, source = HOSTILE[name]
    assert chunk_source(path, source.encode())
