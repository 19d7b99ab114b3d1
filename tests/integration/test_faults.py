"""What goes wrong on disk and in between: nothing is lost, and it is said."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from codecontext.core.errors import IndexCorrupt, IndexLocked, OperationCancelled, StoreError
from codecontext.core.progress import CancelToken, Progress
from codecontext.engine.engine import Engine
from codecontext.store.lock import writer_lock
from indexes import index_files

pytestmark = pytest.mark.slow

FILES = {
    f"pkg/module_{number}.py": "".join(
        f'def task_{number}_{letter}(x):\n    """Job {letter} of module {number}."""\n    return x\n\n\n'
        for letter in "abcd"
    )
    for number in range(40)
}


@pytest.fixture
def engine(project: Path, write: Callable[..., None], engine_for: Callable[[Path], Engine]) -> Engine:
    write(FILES)
    return engine_for(project)


def truth(engine: Engine) -> tuple[int, int, float]:
    status = engine.status()
    return status.files, status.chunks, status.coverage


@pytest.mark.parametrize(
    ("part", "notice"),
    [
        ("index", "The index was damaged, so it was rebuilt; the damaged file is kept as"),
        ("words", "The keywords of the index were damaged"),
        ("vectors", "Some vectors of the space"),
    ],
)
@pytest.mark.parametrize("damage", ["emptied", "overwritten"])
def test_damage_is_repaired_and_said(engine: Engine, part: str, notice: str, damage: str) -> None:
    engine.index()
    before = truth(engine)
    engine.close()
    directory = Path(engine.status().index_directory)
    engine.close()
    for file in index_files(directory, part):
        file.write_bytes(b"" if damage == "emptied" else os.urandom(file.stat().st_size))
    report = engine.index()
    if (part, damage) != ("index", "emptied"):  # which is like none
        assert any(notice in told for told in report.notices)
        assert bool(list(directory.glob("set-aside/*"))) is (part == "index")
    assert report.chunks_embedded == 0  # the cache still knows every vector
    assert truth(engine) == before
    assert engine.search("task_7_b").hits[0].symbol == "task_7_b"


@pytest.mark.parametrize("part", ["index", "words", "vectors"])
def test_searching_a_damaged_index_says_what_to_do(engine: Engine, part: str) -> None:
    engine.index()
    engine.close()
    directory = Path(engine.status().index_directory)
    engine.close()
    for file in index_files(directory, part):
        file.write_bytes(b"x" * (file.stat().st_size // 2))
    with pytest.raises(IndexCorrupt, match="Run 'codecontext index'"):
        Engine(engine.folder, engine.settings, provider=engine._provider).search("task")


def test_damaged_cache_is_set_aside(engine: Engine, tmp_path: Path) -> None:
    engine.index()
    engine.close()
    cache = Path(engine.status().index_directory).parents[1] / "cache" / "embeddings.sqlite"
    for extra in cache.parent.glob("embeddings.sqlite-*"):
        extra.unlink()
    cache.write_bytes(b"this is not a database" * 100)
    report = engine.index(force=True)
    assert report.coverage == 1.0
    assert cache.with_suffix(".damaged").exists()


def test_a_second_writer_is_refused_while_the_first_writes(engine: Engine) -> None:
    engine.index()
    with (
        writer_lock(Path(engine.status().index_directory)),
        pytest.raises(IndexLocked, match="Another CodeContext process is writing"),
    ):
        engine.index()
    assert engine.search("task_3_c").hits  # readers need no lock


def test_cancelling_keeps_what_is_done(engine: Engine) -> None:
    cancel = CancelToken()

    def stop_when_embedding(progress: Progress) -> None:
        if progress.stage == "loading model":
            cancel.cancel()

    report = engine.index(on_progress=stop_when_embedding, cancel=cancel)
    assert report.cancelled
    assert report.files == len(FILES)
    assert report.coverage == 0.0
    found = engine.search("task_12_a")
    assert found.hits[0].symbol == "task_12_a"
    assert found.state.degraded
    report = engine.index()
    assert (report.files_written, report.coverage) == (0, 1.0)


def test_cancelling_between_batches_keeps_every_vector_made(engine: Engine) -> None:
    cancel = CancelToken()

    def stop_after_the_first_batch(progress: Progress) -> None:
        if progress.stage == "embedding" and progress.done:
            cancel.cancel()

    report = engine.index(on_progress=stop_after_the_first_batch, cancel=cancel)
    assert report.cancelled
    assert 0 < report.chunks_embedded < report.chunks
    rest = engine.index()
    assert rest.chunks_embedded == report.chunks - report.chunks_embedded
    assert rest.coverage == 1.0


def test_a_cancelled_token_raises_its_own_error() -> None:
    token = CancelToken()
    token.check()
    token.cancel()
    with pytest.raises(OperationCancelled):
        token.check()


RUN_AND_DIE = textwrap.dedent(
    """
    import os, signal, sys
    from pathlib import Path
    from codecontext.config import load_settings
    from codecontext.engine.engine import Engine
    from codecontext.store import embedding_cache, index_store

    method, calls_left = sys.argv[2], int(sys.argv[3])
    owner = index_store.IndexStore if hasattr(index_store.IndexStore, method) else embedding_cache.EmbeddingCache
    original = getattr(owner, method)

    def dying(*arguments, **named):
        global calls_left
        calls_left -= 1
        result = original(*arguments, **named) if calls_left or method.startswith("_") else None
        if calls_left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, method, dying)
    folder = Path(sys.argv[1])
    Engine(folder, load_settings(folder).settings).index()
    """
)


@pytest.mark.parametrize(
    ("method", "calls"),
    [
        ("replace_files", 1),
        ("_write_words", 1),  # the chunks are written, the words are, and nobody noted it
        ("_note_written", 1),
        ("set_skipped", 1),
        ("tidy", 1),
        ("rebuild_words", 1),
        ("_delete_other_words", 1),
        ("put", 1),
        ("add_vectors", 1),
        ("set_facts", 2),
        ("remove_files", 1),
    ],
)
def test_killed_at_any_step_the_next_run_repairs(
    engine: Engine, project: Path, write: Callable[..., None], method: str, calls: int
) -> None:
    engine.index()
    write({path: text.replace("Job", "Work") for path, text in list(FILES.items())[:10]})
    process = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", RUN_AND_DIE, str(project), method, str(calls)], check=False
    )
    assert process.returncode == -signal.SIGKILL
    engine.index()
    status = engine.status()
    assert (status.files, status.chunks, status.coverage) == (40, 160, 1.0)
    texts = [hit.text for hit in engine.search("work a of module", limit=200).hits]
    assert len(texts) == len(set(texts))
    assert engine.index().files_written == 0


DISK_FULL = textwrap.dedent(
    """
    import json, resource, signal, sys
    from pathlib import Path
    from codecontext.config import load_settings
    from codecontext.core.errors import CodeContextError
    from codecontext.engine.engine import Engine

    folder = Path(sys.argv[1])
    engine = Engine(folder, load_settings(folder).settings)
    engine.search("anything")  # loading the model writes its own files; only the index meets the limit
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
    try:
        engine.index()
    except CodeContextError as error:
        print(json.dumps([error.code, str(error)]))
    """
)


def test_a_full_disk_is_said_and_the_old_index_answers(
    engine: Engine, project: Path, write: Callable[..., None]
) -> None:
    engine.index()
    before = truth(engine)
    write({"pkg/large.py": "".join(f"def added_{n}():\n    return {n}\n\n\n" for n in range(400))})
    process = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", DISK_FULL, str(project), "20000"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    code, sentence = json.loads(process.stdout.splitlines()[-1])
    assert code == StoreError.code
    assert "Free some space" in sentence
    assert truth(engine) == before
    assert engine.search("task_7_b").hits[0].symbol == "task_7_b"
    assert engine.index().coverage == 1.0
