"""Files that end the process that reads them: the rest is indexed, and they are not tried again in vain."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from codecontext.core.progress import Progress
from codecontext.embeddings.huggingface.provider import HuggingFaceEmbeddingProvider
from codecontext.indexing.pipeline import Indexer
from codecontext.indexing.reader import InProcessReader
from codecontext.indexing.reader_pool import ReaderPool
from codecontext.indexing.report import IndexReport
from codecontext.store.embedding_cache import EmbeddingCache
from codecontext.store.index_store import IndexStore

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds the data of a process"),
]

Write = Callable[[dict[str, str]], None]

SMALL_MEMORY = 150_000_000
# As TypeScript, these are type arguments or comparisons: the parser follows both, and keeps them in memory.
HUNGRY = "a<b,\n" * 20_000
MODEST = "export function parse(text: string): number {\n  return text.length;\n}\n"


@pytest.fixture
def indexer(project: Path, provider: HuggingFaceEmbeddingProvider, tmp_path: Path) -> Iterator[Indexer]:
    reader = ReaderPool(memory_bytes=SMALL_MEMORY)
    cache = EmbeddingCache(tmp_path / "embeddings.sqlite", max_bytes=100_000_000)
    yield Indexer(project, IndexStore(tmp_path / "index"), cache, provider, reader=reader)
    reader.close()
    cache.close()


@pytest.fixture
def quarantined(indexer: Indexer, write: Write) -> Indexer:
    """An index of two files, one of which could not be read."""
    write({"hungry.ts": HUNGRY, "modest.ts": MODEST})
    assert_quarantined(indexer.run(), indexer)
    return indexer


def assert_quarantined(report: IndexReport, indexer: Indexer) -> None:
    assert (report.files, report.skipped, report.coverage) == (1, {"quarantined": 1}, 1.0)
    (entry,) = indexer.store.skipped()
    assert (entry.path, entry.reason) == ("hungry.ts", "quarantined")
    assert "memory" in entry.detail


def children() -> list[psutil.Process]:
    return [each for each in psutil.Process().children() if "spawn_main" in " ".join(each.cmdline())]


def test_it_is_not_read_again_while_it_stays_as_it_is(quarantined: Indexer) -> None:
    quarantined.reader = InProcessReader()  # would survive it and index the file
    assert_quarantined(quarantined.run(), quarantined)
    assert_quarantined(quarantined.update(["hungry.ts"]), quarantined)
    assert_quarantined(quarantined.update(["modest.ts"]), quarantined)


def test_it_is_read_again_when_it_changes(quarantined: Indexer, write: Write) -> None:
    write({"hungry.ts": MODEST})
    report = quarantined.update(["hungry.ts"])
    assert (report.files, report.skipped) == (2, {})
    assert quarantined.store.skipped() == []


def test_it_is_read_again_when_the_index_is_built_anew(quarantined: Indexer) -> None:
    quarantined.reader = InProcessReader()
    assert quarantined.run(force=True).files == 2


def test_a_deleted_one_is_forgotten(quarantined: Indexer, project: Path) -> None:
    (project / "hungry.ts").unlink()
    assert quarantined.update(["hungry.ts"]).skipped == {}
    assert quarantined.store.skipped() == []


def test_one_that_was_fine_before_leaves_the_index(indexer: Indexer, write: Write) -> None:
    write({"hungry.ts": MODEST, "modest.ts": MODEST})
    assert indexer.run().files == 2
    write({"hungry.ts": HUNGRY})
    assert_quarantined(indexer.update(["hungry.ts"]), indexer)
    assert set(indexer.store.stamps()) == {"modest.ts"}


def test_a_reader_killed_in_the_middle_costs_no_file(indexer: Indexer, write: Write) -> None:
    write({f"pkg/module_{n}.py": f"def job_{n}(x):\n    return x * {n}\n" * 20 for n in range(600)})
    killed: list[psutil.Process] = []

    def kill_after_the_first_batch(progress: Progress) -> None:
        if progress.stage == "reading" and not killed:
            reader, *_ = children()
            reader.send_signal(signal.SIGKILL)
            killed.append(reader)

    report = indexer.update_text(on_progress=kill_after_the_first_batch)
    assert killed
    assert (report.files, report.files_written, report.skipped) == (600, 600, {})
