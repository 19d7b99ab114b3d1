"""What holds for any bytes in any language."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codecontext.chunking import ChunkingConfig, chunk_source, embedding_text
from codecontext.chunking.languages import LANGUAGES
from codecontext.core import Chunk, ChunkKind
from codecontext.core.decoding import decode_source

PARSED = [row for row in LANGUAGES if row.grammar]
NAMES = [f"sample.{row.extensions.split()[0]}" if row.extensions else row.filenames.split()[0] for row in PARSED]
NAMES += ["sample.md", "sample.rst", "sample.txt"]
SAMPLES = {
    path.stem.rpartition(".")[2]: path.read_text("utf-8").partition("=====\n")[0]
    for path in (Path(__file__).parent / "samples").glob("*.txt")
}
CONFIGS = [
    ChunkingConfig(),
    ChunkingConfig(max_chunk_lines=5, target_lines=3, max_chunk_chars=200, target_chars=100, min_chunk_chars=20),
    ChunkingConfig(max_chunk_lines=1, target_lines=1, min_chunk_chars=0, window_lines=1, window_overlap=0),
]

WORDS = (
    "def class function fn func struct impl module namespace end do begin if else return import export const name "
    "{ } ( ) [ ] < > : ; , . = => -> :: # // /* */ <script> </script> --- === ``` ` ' \" @a $ 1 Ünïcødé 𝄞"
)
SPACES = (" ", "    ", "\t", "\n", "\n\n", "\r\n", "\r", "\f", "\x00", "\\", "\u2028", "\ufeff")
FRAGMENTS = st.sampled_from((*WORDS.split(), *SPACES, '"""', "'''"))
CODE = st.lists(FRAGMENTS, max_size=60).map(" ".join) | st.lists(FRAGMENTS, max_size=60).map("".join)


def check(path: str, data: bytes, config: ChunkingConfig) -> list[Chunk]:
    """The chunks of a file, if they keep the promises of ``chunk_source``."""
    chunks = chunk_source(path, data, config)
    lines = decode_source(data).split("\n")
    covered: Counter[int] = Counter()
    for chunk in chunks:
        assert 1 <= chunk.start_line <= chunk.end_line <= len(lines)
        text = "\n".join(lines[chunk.start_line - 1 : chunk.end_line])
        is_slice = chunk.start_line == chunk.end_line and len(text) >= config.max_chunk_chars
        assert chunk.text in text if is_slice else chunk.text == text
        assert has_word(chunk.text)
        assert has_word(embedding_text(chunk))
        covered.update(() if is_slice else range(chunk.start_line, chunk.end_line + 1))
        covered.setdefault(chunk.start_line, 1)
    assert all(number in covered for number, line in enumerate(lines, 1) if has_word(line))
    assert are_windows(chunks) or set(covered.values()) <= {1}
    assert chunks == sorted(chunks, key=lambda chunk: (chunk.start_line, chunk.end_line))
    return chunks


def has_word(text: str) -> bool:
    return any(character.isalnum() for character in text)


def are_windows(chunks: list[Chunk]) -> bool:
    return all(chunk.kind is ChunkKind.BLOCK for chunk in chunks)


@settings(max_examples=400, deadline=None)
@given(path=st.sampled_from(NAMES), data=st.binary(max_size=300), config=st.sampled_from(CONFIGS))
def test_any_bytes(path: str, data: bytes, config: ChunkingConfig) -> None:
    check(path, data, config)


@settings(max_examples=600, deadline=None)
@given(path=st.sampled_from(NAMES), text=CODE | st.text(max_size=200), config=st.sampled_from(CONFIGS))
def test_any_text(path: str, text: str, config: ChunkingConfig) -> None:
    check(path, text.encode("utf-8", "replace"), config)


@settings(max_examples=300, deadline=None)
@given(
    extension=st.sampled_from(sorted(SAMPLES)),
    cut=st.integers(0, 2000),
    length=st.integers(0, 40),
    insert=CODE,
    config=st.sampled_from(CONFIGS),
)
def test_samples_with_something_else_in_them(
    extension: str, cut: int, length: int, insert: str, config: ChunkingConfig
) -> None:
    source = SAMPLES[extension]
    cut = min(cut, len(source))
    check(f"sample.{extension}", f"{source[:cut]}{insert}{source[cut + length :]}".encode(), config)


@pytest.mark.parametrize("extension", sorted(SAMPLES))
@pytest.mark.parametrize("config", CONFIGS, ids=["default", "small", "single lines"])
def test_samples_keep_the_rules(extension: str, config: ChunkingConfig) -> None:
    assert check(f"sample.{extension}", SAMPLES[extension].encode(), config)


NESTED = {
    "parentheses": b"(" * 100_000 + b")" * 100_000,
    "open braces": b"{\n" * 100_000,
    "closing braces": b"}" * 100_000,
    "calls": b"a(" * 100_000,
    "functions": b"function f() {\n" * 20_000,
    "classes": b"class A {\n" * 20_000,
    "string templates": b'"${' * 5_000,
    "sum": b"a +\n" * 50_000,
    "branches": b"if (a) {\n} else " * 5_000,
    "comments": b"// a\n" * 50_000,
}


@pytest.mark.parametrize("name", ["sample.py", "sample.js", "sample.java", "sample.cpp", "sample.kt", "sample.rs"])
@pytest.mark.parametrize("nested", NESTED)
def test_depth_is_no_danger(name: str, nested: str) -> None:
    check(name, NESTED[nested], ChunkingConfig())


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", ["r#", "my $x = total # the last line", "sub total { 1 }\nfoo # hi"])
def test_a_comment_at_the_very_end_does_not_hold_up_perl(text: str) -> None:
    check("cart.pl", text.encode(), ChunkingConfig())


def test_a_package_of_sql_without_members() -> None:
    check("empty.sql", b"CREATE OR REPLACE PACKAGE cart AS\nEND cart;\n/\n", ChunkingConfig())


@pytest.mark.parametrize("piece", [b"</", b"</script>", b'"@{[ ', b"q(", b"s{a}{", b"<<A "])
def test_quotes_in_quotes_do_not_end_the_process_in_perl(piece: bytes) -> None:
    check("sample.pl", piece * 200, ChunkingConfig())


def test_deep_blocks_of_python() -> None:
    source = "".join(" " * depth + f"class A{depth}:\n" for depth in range(200))
    chunks = check("sample.py", source.encode(), ChunkingConfig())
    assert chunks[0].symbol == "A0"
    assert max(chunk.qualified_name.count(".") for chunk in chunks) == 31


def test_file_beyond_the_parsing_limit_is_cut_into_windows() -> None:
    source = b"def f():\n    return 1\n" * 50
    assert not are_windows(check("sample.py", source, ChunkingConfig()))
    assert are_windows(check("sample.py", source, ChunkingConfig(max_parse_chars=100)))


def test_threads_give_the_same_chunks() -> None:
    files = [(f"sample.{extension}", source.encode()) for extension, source in SAMPLES.items()] * 8
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda file: chunk_source(*file), files))
    assert together == [chunk_source(*file) for file in files]


def test_import_loads_no_grammar_and_no_model() -> None:
    code = "import sys, codecontext.chunking; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"tree_sitter_language_pack", "torch", "transformers", "tantivy", "sqlite3"}.intersection(loaded)
