"""Files of every language: whatever their bytes, their chunks are where they say, and none takes long or much."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from codecontext.chunking import ChunkingConfig, chunk_source, embedding_text
from codecontext.chunking.languages import LANGUAGES
from codecontext.core import Chunk
from codecontext.core.decoding import decode_source
from codecontext.core.notebooks import shown_lines
from fuzz.bounds import FUZZ

FOLDER = Path(__file__).parents[1] / "unit" / "chunking" / "samples"
SAMPLES = {path.stem: path.read_text("utf-8").partition("=====\n")[0] for path in sorted(FOLDER.glob("*.txt"))}
NOTEBOOK = json.dumps(
    {
        "cells": [
            {"cell_type": "markdown", "metadata": {}, "source": ["# Cart\n", "\n", "Sums up."]},
            {
                "cell_type": "code",
                "outputs": [{"text": ["1\n"]}],
                "source": ["%time\n", "def total(c):\n", "    return 1"],
            },
            {"cell_type": "code", "source": "%%bash\nls\n"},
        ],
        "metadata": {"kernelspec": {"language": "python"}},
    },
    indent=1,
)
SOURCES = [*SAMPLES.items(), ("cart.ipynb", NOTEBOOK)]
NAMES = sorted({f"a.{extension}" for row in LANGUAGES for extension in row.extensions.split()} | set(SAMPLES))
CONFIGS = [
    ChunkingConfig(),
    ChunkingConfig(max_chunk_lines=5, target_lines=3, max_chunk_chars=200, target_chars=100, min_chunk_chars=20),
]

TOKENS = (
    "( ) [ ] { } < > \" ' ` \"\"\" ''' /* */ // # -- {- -} (* *) <!-- --> %{ } <% %> ${ #{ $( << EOF @ \\ | ; : "
    ":: = => -> . , "
    "begin end do def function module class struct let in where of then if else end. =begin =cut <script> </script> ```"
)
PIECES = st.sampled_from(
    (*TOKENS.split(), "\n", "\n\n", "\r", "\t", " ", "    ", "\x00", "\x0c", "\ufeff", "\u2028", "ü", "𝄞")
)
INSERTS = st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=30)


@st.composite
def broken_samples(draw: st.DrawFn) -> tuple[str, bytes]:
    """A sample with pieces cut out, put in and repeated, sometimes with bytes that are no text."""
    name, text = draw(st.sampled_from(SOURCES))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 60)))
        put_in = draw(st.one_of(INSERTS, st.just(text[start:end] * draw(st.integers(0, 40)))))
        text = text[:start] + put_in + text[end:]
    data = text.encode("utf-8", "replace")
    at = draw(st.integers(0, len(data)))
    return name, data[:at] + draw(st.binary(max_size=8)) + data[at:]


def check(name: str, data: bytes, config: ChunkingConfig) -> None:
    chunks = chunk_source(name, data, config)
    lines = shown_lines(name, decode_source(data))
    for chunk in chunks:
        assert 1 <= chunk.start_line <= chunk.end_line <= len(lines)
        assert is_there(chunk, lines)
        assert embedding_text(chunk).strip()
        json.dumps([chunk.text, chunk.qualified_name, chunk.signature, chunk.doc]).encode("utf-8")


def is_there(chunk: Chunk, lines: list[str]) -> bool:
    """Whether a chunk's text is that of its lines, or a part of it where lines are long or show several of a cell."""
    here = lines[chunk.start_line - 1 : chunk.end_line]
    shown = "\n".join(here)
    return chunk.text == shown or (chunk.text in shown and (len(here) == 1 or any("\n" in line for line in here)))


@FUZZ
@given(name=st.sampled_from(NAMES), data=st.binary(max_size=400), config=st.sampled_from(CONFIGS))
def test_any_bytes_under_any_name(name: str, data: bytes, config: ChunkingConfig) -> None:
    check(name, data, config)


@FUZZ
@given(sample=broken_samples(), config=st.sampled_from(CONFIGS))
def test_broken_source(sample: tuple[str, bytes], config: ChunkingConfig) -> None:
    check(*sample, config)


@FUZZ
@given(sample=broken_samples(), name=st.sampled_from(NAMES))
def test_source_under_the_name_of_another_language(sample: tuple[str, bytes], name: str) -> None:
    check(name, sample[1], CONFIGS[0])


@FUZZ
@given(
    name=st.sampled_from(NAMES),
    piece=st.sampled_from(["(", "{", "[", "<", '"', "'", "`", "(*", "/*", "{-", '"""', "begin ", "a.", "\\", "\n  "]),
    times=st.integers(1, 3_000),
)
def test_what_never_ends(name: str, piece: str, times: int) -> None:
    check(name, piece.encode() * times, CONFIGS[0])
