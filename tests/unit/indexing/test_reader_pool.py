"""Reading files in child processes: they are killed for real, and run out of memory for real."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from codecontext.chunking import ChunkingConfig
from codecontext.core.errors import CodeContextError, OperationCancelled
from codecontext.core.progress import CancelToken
from codecontext.indexing.files import SkipReason
from codecontext.indexing.reader import FileReading, InProcessReader, ReadRequest, read_file
from codecontext.indexing.reader_pool import ReaderPool, usual_processes
from codecontext.indexing.scan import ScanConfig, scan_folder

pytestmark = pytest.mark.slow

SMALL_MEMORY = 150_000_000
HUNGRY = "a<b,\n" * 20_000
"""As TypeScript, these are type arguments or comparisons: the parser follows both, and keeps them in memory."""

Folder = Callable[[dict[str, str]], list[ReadRequest]]


@pytest.fixture
def requests_for(project: Path, write: Callable[[dict[str, str]], None]) -> Folder:
    """Writes files and gives the requests to read them."""

    def make(files: dict[str, str]) -> list[ReadRequest]:
        write(files)
        return [ReadRequest(file) for file in scan_folder(project, ScanConfig()).files]

    return make


@pytest.fixture
def reader() -> Iterator[ReaderPool]:
    reader = ReaderPool()
    yield reader
    reader.close()


def source_files(count: int) -> dict[str, str]:
    return {f"module_{n:02}.py": f"def job_{n}(x):\n    return x * {n}\n" for n in range(count)}


def read(reader: ReaderPool | InProcessReader, requests: list[ReadRequest]) -> dict[str, FileReading]:
    (batch,) = reader.read([requests], ChunkingConfig(), CancelToken())
    return {request.file.path: reading for request, reading in batch}


def children() -> list[psutil.Process]:
    """The children of this process that read files."""
    return [each for each in psutil.Process().children() if "spawn_main" in " ".join(each.cmdline())]


def child() -> psutil.Process:
    """The one child of this process that reads files."""
    (found,) = children()
    return found


def test_it_reads_what_is_read_in_process(reader: ReaderPool, requests_for: Folder) -> None:
    requests = requests_for({**source_files(40), "empty.txt": " \n", "notes.md": "# Notes\n\nRemember the milk.\n"})
    assert read(reader, requests) == read(InProcessReader(), requests)


def test_batches_come_back_in_their_order(reader: ReaderPool, requests_for: Folder) -> None:
    requests = requests_for(source_files(50))
    batches = [requests[:1], [], requests[1:40], requests[40:]]
    cancel = CancelToken()
    expected = list(InProcessReader().read(batches, ChunkingConfig(), cancel))
    assert list(reader.read(batches, ChunkingConfig(), cancel)) == expected
    assert [len(batch) for batch in expected] == [1, 39, 10]


@pytest.mark.parametrize(("files", "expected"), [(20, 1), (300, 2)])
def test_only_much_to_read_is_shared_by_two_children(requests_for: Folder, files: int, expected: int) -> None:
    reader = ReaderPool(processes=2)
    at_work = []

    def batches() -> Iterator[list[ReadRequest]]:
        yield requests_for(source_files(files))
        at_work.append(len(children()))

    try:
        (batch,) = reader.read(batches(), ChunkingConfig(), CancelToken())
        assert (len(batch), at_work, len(children())) == (files, [expected], 1)
    finally:
        reader.close()


@pytest.mark.parametrize(("cores", "processes"), [(1, 1), (2, 2), (3, 2), (5, 4), (64, 4)])
def test_a_core_stays_free_where_there_are_more_than_two(
    monkeypatch: pytest.MonkeyPatch, cores: int, processes: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(cores)), raising=False)
    assert usual_processes() == processes


def test_stopping_in_between_leaves_a_reader_for_the_next_call(reader: ReaderPool, requests_for: Folder) -> None:
    requests = requests_for(source_files(300))
    with closing(reader.read([requests[:10], requests[10:]], ChunkingConfig(), CancelToken())) as batches:
        assert len(next(batches)) == 10
    assert len(read(reader, requests)) == 300


def test_a_child_that_has_read_much_makes_room_for_another(
    reader: ReaderPool, requests_for: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a parser keeps goes with it; nothing is lost, and nothing is taken for a crash."""
    monkeypatch.setattr("codecontext.indexing.reader_pool._BYTES_OF_A_CHILD", 1_000)
    requests = requests_for(source_files(90))
    reader.prepare()
    first = child().pid
    assert read(reader, requests) == read(InProcessReader(), requests)
    assert first not in [each.pid for each in children()]


class Unsendable:
    """What cannot be sent to another process for want of memory."""

    def __reduce__(self) -> str:
        raise MemoryError


def answer_without_memory(request: ReadRequest, config: ChunkingConfig) -> FileReading:
    """In the child."""
    if request.file.path == "module_07.py":
        return FileReading(rows=[{"text": Unsendable()}])
    return read_file(request, config)


def test_a_child_without_memory_to_answer_costs_its_file_only(requests_for: Folder) -> None:
    reader = ReaderPool(read=answer_without_memory)
    try:
        readings = read(reader, requests_for(source_files(20)))
    finally:
        reader.close()
    assert [path for path, reading in readings.items() if reading.skipped] == ["module_07.py"]
    assert readings["module_07.py"].skipped.reason is SkipReason.QUARANTINED  # type: ignore[union-attr]


def end_over_deadly_files(request: ReadRequest, config: ChunkingConfig) -> FileReading:
    """In the child."""
    if "deadly" in request.file.path:
        os._exit(1)
    return read_file(request, config)


def test_each_file_that_ends_its_reader_is_quarantined_alone(requests_for: Folder) -> None:
    deadly = dict.fromkeys(["module_05_deadly.py", "module_50_deadly.py", "module_51_deadly.py"], "x = 1\n")
    requests = requests_for({**source_files(200), **deadly})
    reader = ReaderPool(processes=2, read=end_over_deadly_files)
    try:
        batches = list(reader.read([requests[:50], requests[50:]], ChunkingConfig(), CancelToken()))
    finally:
        reader.close()
    assert [[request for request, _ in batch] for batch in batches] == [requests[:50], requests[50:]]
    skipped = {
        reading.skipped.path: reading.skipped.reason for batch in batches for _, reading in batch if reading.skipped
    }
    assert skipped == dict.fromkeys(deadly, SkipReason.QUARANTINED)
    assert sum(bool(reading.rows) for batch in batches for _, reading in batch) == 200


def test_content_that_the_index_holds_makes_no_rows(reader: ReaderPool, requests_for: Folder) -> None:
    (request,) = requests_for(source_files(1))
    stamp = read(reader, [request])["module_00.py"].stamp
    assert stamp is not None
    again = read(reader, [ReadRequest(request.file, frozenset({stamp.digest}))])["module_00.py"]
    assert (again.rows, again.stamp) == (None, stamp)


def test_the_child_stays_out_of_the_way(reader: ReaderPool, requests_for: Folder) -> None:
    read(reader, requests_for(source_files(1)))
    assert child().nice() > psutil.Process().nice()
    if sys.platform == "linux":
        assert child().rlimit(psutil.RLIMIT_DATA)[0] == 2_000_000_000


def test_closing_ends_the_child_and_the_next_file_starts_another(reader: ReaderPool, requests_for: Folder) -> None:
    requests = requests_for(source_files(1))
    read(reader, requests)
    first = child()
    reader.close()
    assert not first.is_running()
    assert read(reader, requests)["module_00.py"].rows
    assert child() != first


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds the data of a process")
def test_a_file_that_takes_too_much_memory_is_quarantined_and_the_others_are_read(requests_for: Folder) -> None:
    requests = requests_for({**source_files(40), "module_07_hungry.ts": HUNGRY})
    reader = ReaderPool(memory_bytes=SMALL_MEMORY)
    try:
        readings = read(reader, requests)
    finally:
        reader.close()
    hungry = readings.pop("module_07_hungry.ts")
    assert hungry.rows == []
    assert hungry.skipped is not None
    assert hungry.skipped.reason is SkipReason.QUARANTINED
    assert len(readings) == 40
    assert all(reading.rows and reading.skipped is None for reading in readings.values())


def test_a_child_that_somebody_kills_costs_no_file(reader: ReaderPool, requests_for: Folder) -> None:
    requests = requests_for(source_files(40))
    expected = read(reader, requests)
    killed = child()
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert read(reader, requests) == expected


def test_a_child_that_cannot_start_is_an_error_and_no_quarantine(requests_for: Folder) -> None:
    reader = ReaderPool(memory_bytes=1_000_000)
    with pytest.raises(CodeContextError, match="cannot start"):
        read(reader, requests_for(source_files(1)))
    reader.close()


def test_cancelling_stops_between_files(reader: ReaderPool, requests_for: Folder) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(OperationCancelled):
        list(reader.read([requests_for(source_files(40))], ChunkingConfig(), cancel))
    assert len(read(reader, requests_for({}))) == 40


def hang_over_odd_files(request: ReadRequest, config: ChunkingConfig) -> FileReading:
    """In the child. C code that keeps the interpreter's lock, as a parser does."""
    if "hang" in request.file.path:
        ctypes.PyDLL(None).sleep(1000)
    return read_file(request, config)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such function of C")
def test_a_file_over_which_the_child_hangs_is_quarantined_and_the_others_are_read(requests_for: Folder) -> None:
    requests = requests_for({**source_files(20), "module_03_hangs.py": "x = 1\n"})
    reader = ReaderPool(file_seconds=10, read=hang_over_odd_files)
    try:
        readings = read(reader, requests)
    finally:
        reader.close()
    hung = readings.pop("module_03_hangs.py")
    assert hung.skipped is not None
    assert hung.skipped.reason is SkipReason.QUARANTINED
    assert len(readings) == 20
    assert all(reading.rows and reading.skipped is None for reading in readings.values())


@pytest.mark.skipif(sys.platform == "win32", reason="stops processes with signals")
def test_a_child_that_is_stopped_costs_no_file(requests_for: Folder) -> None:
    requests = requests_for(source_files(20))
    reader = ReaderPool(file_seconds=10)
    try:
        expected = read(reader, requests)
        stopped = child()
        stopped.send_signal(signal.SIGSTOP)
        assert read(reader, requests) == expected
        assert not stopped.is_running()
    finally:
        reader.close()


@pytest.mark.skipif(sys.platform == "win32", reason="stops processes with signals")
def test_cancelling_and_closing_wait_for_no_child_that_hangs(requests_for: Folder) -> None:
    requests = requests_for(source_files(20))
    reader = ReaderPool(file_seconds=1000)
    read(reader, requests)
    stopped = child()
    stopped.send_signal(signal.SIGSTOP)
    cancel = CancelToken()
    timer = threading.Timer(1, cancel.cancel)
    timer.start()
    with pytest.raises(OperationCancelled):
        list(reader.read([requests], ChunkingConfig(), cancel))
    reader.close()
    assert not stopped.is_running()


def test_a_child_that_hangs_at_its_start_is_an_error_and_is_ended() -> None:
    reader = ReaderPool(start_seconds=0.001)
    with pytest.raises(CodeContextError, match="cannot start: it does not respond"):
        reader.prepare()
    assert not children()


PARENT = textwrap.dedent(
    """
    import os, sys, time
    from pathlib import Path

    import psutil

    from codecontext.chunking import ChunkingConfig
    from codecontext.core.progress import CancelToken
    from codecontext.indexing.reader import ReadRequest
    from codecontext.indexing.reader_pool import ReaderPool
    from codecontext.indexing.scan import ScanConfig, scan_folder

    if __name__ == "__main__":
        requests = [ReadRequest(file) for file in scan_folder(Path(sys.argv[1]), ScanConfig()).files]
        pool = ReaderPool()
        list(pool.read([requests], ChunkingConfig(), CancelToken()))
        print(*(child.pid for child in psutil.Process().children()), flush=True)
        sys.stdin.read()
    """
)


def test_the_child_ends_with_a_parent_that_is_killed(requests_for: Folder, project: Path, tmp_path: Path) -> None:
    requests_for(source_files(1))
    script = tmp_path / "parent.py"
    script.write_text(PARENT, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, str(script), str(project)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        children = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
        assert children
        os.kill(parent.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(children, timeout=30)
    assert not alive


PRINTING = textwrap.dedent(
    """
    import sys
    from pathlib import Path

    from codecontext.chunking import ChunkingConfig
    from codecontext.core.progress import CancelToken
    from codecontext.indexing.reader import FileReading, ReadRequest
    from codecontext.indexing.reader_pool import ReaderPool
    from codecontext.indexing.scan import ScanConfig, scan_folder


    def read(request, config):
        print("stray words", flush=True)
        return FileReading()


    if __name__ == "__main__":
        requests = [ReadRequest(file) for file in scan_folder(Path(sys.argv[1]), ScanConfig()).files]
        reader = ReaderPool(read=read)
        list(reader.read([requests], ChunkingConfig(), CancelToken()))
        reader.close()
    """
)


def test_the_child_writes_nothing_to_standard_output(requests_for: Folder, project: Path, tmp_path: Path) -> None:
    requests_for(source_files(1))
    script = tmp_path / "printing.py"
    script.write_text(PRINTING, encoding="utf-8")
    done = subprocess.run([sys.executable, str(script), str(project)], check=True, capture_output=True, text=True)
    assert (done.stdout, "stray words" in done.stderr) == ("", True)
