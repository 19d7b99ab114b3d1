"""What an index went through does not show: not in answers, not on the disk, whatever the clock said meanwhile."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from codecontext.engine.engine import Engine
from codecontext.search.config import Retrieval
from codecontext.search.results import Hit
from codecontext.store.index_reader import FileChanges
from indexes import chunks_of

pytestmark = pytest.mark.slow

YEAR_NS = 365 * 24 * 3_600 * 1_000_000_000
FILES = {
    f"pkg/part_{number}.py": "".join(
        f'def step_{number}_{letter}(order):\n    """Ship order {letter} by lorry {number}."""\n    return order\n\n\n'
        for letter in "abc"
    )
    for number in range(12)
} | {f"copies/same_{number}.py": "def same(order):\n    return order.lorry\n" for number in range(8)}
QUESTIONS = ("ship an order", "step_4_b", "lorry", "where is the order shipped by lorry", "order path:pkg/**")

Write = Callable[[dict[str, str]], None]


@pytest.fixture
def engine(project: Path, write: Write, engine_for: Callable[[Path], Engine]) -> Engine:
    write(FILES)
    return engine_for(project)


def answers(engine: Engine, limit: int = 200) -> list[list[Hit]]:
    return [
        engine.search(question, limit=limit, retrieval=retrieval).hits
        for question in QUESTIONS
        for retrieval in (Retrieval.HYBRID, Retrieval.LEXICAL, Retrieval.SEMANTIC)
    ]


def test_the_same_files_answer_alike_whatever_was_there_before(engine: Engine, project: Path, write: Write) -> None:
    engine.index()
    write({path: text.replace("lorry", "ship order ship order") for path, text in list(FILES.items())[:5]})
    write({f"gone/{number}.py": "def gone(order):\n    return lorry, order, ship\n" for number in range(9)})
    engine.index()
    for path in (project / "gone").iterdir():
        path.unlink()
    write(dict(reversed(FILES.items())))
    os.utime(project / "pkg/part_3.py", (1, 1))
    engine.index()
    after_a_history = answers(engine)
    assert any(after_a_history)
    engine.index(force=True)
    assert answers(engine) == after_a_history


def test_small_updates_show_no_more_after_a_full_run(engine: Engine, project: Path, write: Write) -> None:
    engine.index()
    indexer = engine.indexer(engine._provider)
    for number in range(5):
        write({"pkg/part_1.py": FILES["pkg/part_1.py"] + f"# lorry {number} of the order\n"})
        indexer.update(["pkg/part_1.py"])
    write({"pkg/part_1.py": FILES["pkg/part_1.py"]})
    indexer.update(["pkg/part_1.py"])
    engine.index()
    after_a_history = answers(engine)
    engine.index(force=True)
    assert answers(engine) == after_a_history


def test_few_of_many_equals_are_always_the_same(engine: Engine, write: Write) -> None:
    write({f"more/copy_{number}.py": "def same(order):\n    return order.lorry\n" for number in range(300)})
    engine.index()
    first = engine.search("lorry", retrieval=Retrieval.LEXICAL, limit=200).hits
    write({f"more/copy_{number}.py": "# for now\n" for number in range(0, 300, 2)})
    engine.index()
    write({f"more/copy_{number}.py": "def same(order):\n    return order.lorry\n" for number in range(300)})
    engine.index()
    assert engine.search("lorry", retrieval=Retrieval.LEXICAL, limit=200).hits == first


def chunk_words(engine: Engine, word: str) -> list[object]:
    """Chunks with ``word`` in their names or text, which is stored compressed."""
    return [row for row in chunks_of(engine.store) if any(word in str(value) for value in row)]


def holds(folder: Path, word: str) -> list[str]:
    """Files below ``folder`` with ``word`` in their name or in their bytes."""
    named = [str(path) for path in folder.rglob("*") if word in path.name]
    found = subprocess.run(["grep", "-rali", word, str(folder)], check=False, capture_output=True, text=True)
    return named + found.stdout.split()


@pytest.mark.parametrize("change", ["deleted", "ignored", "edited", "emptied", "moved away, and back without it"])
@pytest.mark.parametrize("share", [1, 12], ids=["a small part", "a large part"])
def test_what_is_gone_leaves_the_disk(
    engine: Engine, project: Path, write: Write, tmp_path: Path, change: str, share: int
) -> None:
    words = [f"quixotic{letter}" for letter in "abcdefghijkl"[:share]]
    files = {f"pkg/{word}_file.py": f'def {word}_call():\n    """The {word} password."""\n' for word in words}
    write(files)
    engine.index()
    home = Path(os.environ["CODECONTEXT_HOME"])
    assert holds(home, words[0])
    if change == "deleted":
        for path in files:
            (project / path).unlink()
    elif change == "ignored":
        write({".codecontextignore": "*_file.py\n"})
    elif change == "edited":
        for path in files:
            (project / path).rename(project / path.replace("quixotic", "sound"))
        write({path.replace("quixotic", "sound"): "def plain():\n    return 1\n" for path in files})
    elif change == "emptied":
        for path in files:
            (project / path).unlink()
        write({"pkg/empty.py": ""})
    else:
        for path in files:
            (project / path).rename(tmp_path / Path(path).name)
        engine.index()
        write({"pkg/another.py": "def another():\n    return 2\n"})
    engine.index()
    left = holds(home, words[0])
    assert chunk_words(engine, words[0]) == []
    if change == "ignored":  # 'status --skipped' says which files and why, by their names
        left = [path for path in left if not path.endswith("index.sqlite")]
    assert left == []
    assert engine.search(words[0], retrieval=Retrieval.LEXICAL).hits == []
    assert engine.search("step_4_b").hits[0].symbol == "step_4_b"


def test_what_small_updates_left_leaves_with_the_next_full_run(engine: Engine, project: Path, write: Write) -> None:
    write({"pkg/quixotic.py": "def quixotic():\n    return 'quixotic'\n"})
    engine.index()
    (project / "pkg/quixotic.py").unlink()
    engine.indexer(engine._provider).update(["pkg/quixotic.py"])
    engine.index()
    assert holds(Path(os.environ["CODECONTEXT_HOME"]), "quixotic") == []


def test_a_damaged_index_is_kept_until_the_next_run_only(engine: Engine) -> None:
    engine.index()
    directory = engine.store.directory
    for _time in range(2):
        engine.close()
        (directory / "index.sqlite").write_bytes(b"no database" * 1000)
        engine.index()
        assert "index.sqlite" in [kept.name for kept in (directory / "set-aside").iterdir()]
    engine.index()
    assert not (directory / "set-aside").exists()


@pytest.mark.parametrize("question", ["step_4_b", "step_4_b path:pkg/** kind:function", "where is an order shipped"])
def test_a_reader_finds_its_way_while_others_write(
    engine: Engine,
    write: Write,
    engine_for: Callable[[Path], Engine],
    monkeypatch: pytest.MonkeyPatch,
    question: str,
) -> None:
    engine.index()
    reader = engine_for(engine.folder)
    reader.search(question)
    look, rounds = reader.store.changes, iter(range(100))

    def meanwhile(space_id: str, since: int | None = None) -> FileChanges:
        """Somebody else writes the whole index anew between the reading of files and the search in the words."""
        found = look(space_id, since)
        if (number := next(rounds)) == 0:
            write({path: f"{text}\n# {number}\n" for path, text in list(FILES.items())[:3]})
            engine.index()
        return found

    monkeypatch.setattr(reader.store, "changes", meanwhile)
    write({"pkg/new.py": "def new(order):\n    return order\n"})
    engine.index()
    assert "pkg/part_4.py" in {hit.path for hit in reader.search(question, limit=50).hits}


@pytest.mark.parametrize("jump", [-YEAR_NS, YEAR_NS], ids=["put back", "put ahead"])
@pytest.mark.parametrize("stamped", ["as it is", "in the future", "long ago"])
def test_a_clock_that_jumps_hides_nothing(
    engine: Engine, project: Path, write: Write, monkeypatch: pytest.MonkeyPatch, jump: int, stamped: str
) -> None:
    real = time.time_ns
    offset = 0
    monkeypatch.setattr(time, "time_ns", lambda: real() + offset)
    monkeypatch.setattr(time, "time", lambda: (real() + offset) / 1e9)

    def edit(name: str) -> None:
        """A file of always the same size, as if by a tool that puts times back."""
        write({"pkg/clock.py": f"def {name}():\n    return '{name}'\n"})
        if stamped != "as it is":
            seconds = (real() + 2 * YEAR_NS) // 1_000_000_000 if stamped == "in the future" else 1
            os.utime(project / "pkg/clock.py", (seconds, seconds))

    def symbols() -> set[str]:
        return {hit.symbol for hit in engine.search("path:pkg/clock.py return").hits}

    indexer = engine.indexer(engine._provider)
    for number, offset in enumerate([0, jump, 2 * jump, 0, -jump]):  # noqa: B007 - the clock reads it
        edit(f"tick_{number}_a")
        engine.index()
        assert symbols() == {f"tick_{number}_a"}
        edit(f"tick_{number}_b")
        indexer.update(["pkg/clock.py"])
        assert symbols() == {f"tick_{number}_b"}
    assert engine.index().files_written == 0


def test_a_run_that_finds_nothing_new_writes_nothing(engine: Engine, write: Write) -> None:
    """Also where files are skipped for their content, and so are read each time."""
    write({"data.py": "x\0", "generated.py": "# Code generated by a tool. DO NOT EDIT.\n"})
    engine.index()
    version = engine.store.state().generation
    engine.index()
    assert engine.store.state().generation == version


def test_five_hundred_edits_leave_disk_and_memory_where_they_were(engine: Engine, project: Path, write: Write) -> None:
    engine.index()
    indexer = engine.indexer(engine._provider)

    def edit(first: int, last: int) -> tuple[int, int]:
        """Edit files and put them back, again and again; bytes on the disk and in memory after that."""
        for number in range(first, last):
            path = f"pkg/part_{number // 2 % 12}.py"
            edited = f"def edit_{number}(order):\n    return order, {number}\n" if number % 2 == 0 else ""
            write({path: FILES[path] + edited})
            indexer.update([path], vectors=number % 20 == 0)
            if number % 50 == 49:
                engine.search("edit the order")
        engine.index()
        engine.search("lorry")
        return engine.store.size_bytes(), psutil.Process().memory_info().rss

    disk, memory = edit(0, 100)
    for first in (100, 300):
        later_disk, later_memory = edit(first, first + 200)
    assert later_disk <= disk + 50_000  # of which most are numbers of versions that are gone, up to a few thousand
    assert later_memory <= memory + 30_000_000
