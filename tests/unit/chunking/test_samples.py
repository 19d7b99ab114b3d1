"""One small file for each language, and the chunks it must give.

A sample is the source, a line ``=====`` and one line for each chunk: lines, kind, qualified name. The limits are so
small that every class with members is split.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from codecontext.chunking import ChunkingConfig, chunk_source

SAMPLES = sorted((Path(__file__).parent / "samples").glob("*.txt"))
SPLIT_CLASSES = ChunkingConfig(target_lines=2, target_chars=200, min_chunk_chars=0)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_sample_gives_the_chunks_below_it(sample: Path) -> None:
    source, expected = sample.read_text("utf-8").split("=====\n")

    chunks = chunk_source(sample.stem, source.encode(), SPLIT_CLASSES)

    found = [f"{c.start_line}-{c.end_line} {c.kind} {c.qualified_name}".rstrip() for c in chunks]
    assert found == expected.splitlines()


def test_every_language_with_a_grammar_has_a_sample() -> None:
    from codecontext.chunking.languages import LANGUAGES, find_language

    sampled = {find_language(path.stem) for path in SAMPLES}
    assert [row.name for row in LANGUAGES if row.grammar and row not in sampled] == []
