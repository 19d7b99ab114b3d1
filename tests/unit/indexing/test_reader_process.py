"""Reading files in a child process: it is killed for real, and runs out of memory for real."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from codecontext.chunking import ChunkingConfig
from codecontext.core.errors import CodeContextError, OperationCancelled
from codecontext.core.progress import CancelToken
from codecontext.indexing.files import SkipReason
from codecontext.indexing.reader import FileReading, InProcessReader, ReadRequest, read_file
from codecontext.indexing.reader_process import ReaderProcess
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
def reader() -> Iterator[ReaderProcess]:
    reader = ReaderProcess()
    yield reader
    reader.close()


def source_files(count: int) -> dict[str, str]:
    return {f"module_{n:02}.py": f"def job_{n}(x):\n    return x * {n}\n" for n in range(count)}


def read(reader: ReaderProcess | InProcessReader, requests: list[ReadRequest]) -> dict[str, FileReading]:
    readings = reader.read(requests, ChunkingConfig(), CancelToken())
    return {request.file.path: reading for request, reading in zip(requests, readings, strict=True)}


def child() -> psutil.Process:
    """The one child of this process that reads files."""
    (found,) = [each for each in psutil.Process().children() if "spawn_main" in " ".join(each.cmdline())]
    return found


def test_it_reads_what_is_read_in_process(reader: ReaderProcess, requests_for: Folder) -> None:
    requests = requests_for({**source_files(40), "empty.txt": " \n", "notes.md": "# Notes\n\nRemember the milk.\n"})
    assert read(reader, requests) == read(InProcessReader(), requests)


def test_content_that_the_index_holds_makes_no_rows(reader: ReaderProcess, requests_for: Folder) -> None:
    (request,) = requests_for(source_files(1))
    stamp = read(reader, [request])["module_00.py"].stamp
    assert stamp is not None
    again = read(reader, [ReadRequest(request.file, frozenset({stamp.digest}))])["module_00.py"]
    assert (again.rows, again.stamp) == (None, stamp)


def test_the_child_stays_out_of_the_way(reader: ReaderProcess, requests_for: Folder) -> None:
    read(reader, requests_for(source_files(1)))
    assert child().nice() > psutil.Process().nice()
    if sys.platform == "linux":
        assert child().rlimit(psutil.RLIMIT_DATA)[0] == 2_000_000_000


def test_closing_ends_the_child_and_the_next_file_starts_another(reader: ReaderProcess, requests_for: Folder) -> None:
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
    reader = ReaderProcess(memory_bytes=SMALL_MEMORY)
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


def test_a_child_that_somebody_kills_costs_no_file(reader: ReaderProcess, requests_for: Folder) -> None:
    requests = requests_for(source_files(40))
    expected = read(reader, requests)
    killed = child()
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert read(reader, requests) == expected


def test_a_child_that_cannot_start_is_an_error_and_no_quarantine(requests_for: Folder) -> None:
    reader = ReaderProcess(memory_bytes=1_000_000)
    with pytest.raises(CodeContextError, match="cannot start"):
        read(reader, requests_for(source_files(1)))
    reader.close()


def test_cancelling_stops_between_files(reader: ReaderProcess, requests_for: Folder) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(OperationCancelled):
        reader.read(requests_for(source_files(40)), ChunkingConfig(), cancel)
    assert len(read(reader, requests_for({}))) == 40


def hang_over_odd_files(request: ReadRequest, config: ChunkingConfig) -> FileReading:
    """In the child. C code that keeps the interpreter's lock, as a parser does."""
    if "hang" in request.file.path:
        ctypes.PyDLL(None).sleep(1000)
    return read_file(request, config)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such function of C")
def test_a_file_over_which_the_child_hangs_is_quarantined_and_the_others_are_read(requests_for: Folder) -> None:
    requests = requests_for({**source_files(20), "module_03_hangs.py": "x = 1\n"})
    reader = ReaderProcess(file_seconds=10, read=hang_over_odd_files)
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
    reader = ReaderProcess(file_seconds=10)
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
    reader = ReaderProcess(file_seconds=1000)
    read(reader, requests)
    stopped = child()
    stopped.send_signal(signal.SIGSTOP)
    cancel = CancelToken()
    timer = threading.Timer(1, cancel.cancel)
    timer.start()
    with pytest.raises(OperationCancelled):
        reader.read(requests, ChunkingConfig(), cancel)
    reader.close()
    assert not stopped.is_running()


def test_a_child_that_hangs_at_its_start_is_an_error_and_is_ended() -> None:
    reader = ReaderProcess(start_seconds=0.001)
    with pytest.raises(CodeContextError, match="cannot start: it does not respond"):
        reader.prepare()
    assert not [each for each in psutil.Process().children() if "spawn_main" in " ".join(each.cmdline())]


PARENT = textwrap.dedent(
    """
    import os, sys, time
    from pathlib import Path

    import psutil

    from codecontext.chunking import ChunkingConfig
    from codecontext.core.progress import CancelToken
    from codecontext.indexing.reader import ReadRequest
    from codecontext.indexing.reader_process import ReaderProcess
    from codecontext.indexing.scan import ScanConfig, scan_folder

    if __name__ == "__main__":
        requests = [ReadRequest(file) for file in scan_folder(Path(sys.argv[1]), ScanConfig()).files]
        ReaderProcess().read(requests, ChunkingConfig(), CancelToken())
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
    from codecontext.indexing.reader_process import ReaderProcess
    from codecontext.indexing.scan import ScanConfig, scan_folder


    def read(request, config):
        print("stray words", flush=True)
        return FileReading()


    if __name__ == "__main__":
        requests = [ReadRequest(file) for file in scan_folder(Path(sys.argv[1]), ScanConfig()).files]
        reader = ReaderProcess(read=read)
        reader.read(requests, ChunkingConfig(), CancelToken())
        reader.close()
    """
)


def test_the_child_writes_nothing_to_standard_output(requests_for: Folder, project: Path, tmp_path: Path) -> None:
    requests_for(source_files(1))
    script = tmp_path / "printing.py"
    script.write_text(PRINTING, encoding="utf-8")
    done = subprocess.run([sys.executable, str(script), str(project)], check=True, capture_output=True, text=True)
    assert (done.stdout, "stray words" in done.stderr) == ("", True)
