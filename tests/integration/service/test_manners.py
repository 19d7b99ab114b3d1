"""A service at work gives way: its background threads and its children have a low priority, its searches have not."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from codecontext.core.priority import NICENESS

from .conftest import Served, codebase, command_that, write_files

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a niceness for each thread"),
]

# Each thread gets the name that Python knows it by; threads that a library starts inherit that of their creator.
NAMED = """
    import threading

    begin = threading.Thread._bootstrap_inner

    def begin_named(thread):
        with open(f"/proc/self/task/{threading.get_native_id()}/comm", "w") as name:
            name.write(thread.name[:15])
        begin(thread)

    threading.Thread._bootstrap_inner = begin_named
"""
FOREGROUND = ("python", "ThreadPoolExecu", "query", "mutation", "reports", "self-watch")
"""The main thread with what libraries start when they are imported, who reads stdin, and those that serve an editor."""
WATCHING = ("thread-tantivy-", "watch-callbacks")
"""One that looks at the time of a file twice a second for each index that searches have open."""


def threads_of(pid: int) -> dict[str, set[int]]:
    """Nicenesses of the threads of a process, by name."""
    found: dict[str, set[int]] = {}
    for thread in Path(f"/proc/{pid}/task").iterdir():
        try:
            name, niceness = (thread / "comm").read_text().strip(), os.getpriority(os.PRIO_PROCESS, int(thread.name))
        except (FileNotFoundError, ProcessLookupError):  # it ended
            continue
        found.setdefault(name, set()).add(niceness)
    return found


async def test_background_threads_and_children_give_way(start: Callable[..., Served], project: Path) -> None:
    write_files(project, codebase(60))
    served = start(*command_that(NAMED))
    own = os.getpriority(os.PRIO_PROCESS, 0)
    lowered = max(NICENESS, own)
    seen: dict[str, set[int]] = {}
    children: set[int] = set()

    def look() -> bool:
        pid = served.client.pid
        if pid is not None:
            for name, values in threads_of(pid).items():
                seen.setdefault(name, set()).update(values)
            for child in psutil.Process(pid).children():
                children.update(*threads_of(child.pid).values())
        return served.is_settled(project) and served.report(project).coverage == 1

    await served.serve(project)
    searches = asyncio.create_task(served.until_found("handle task a of part 7", "pkg/task_7.py"))
    await served.until(look, "a complete index")
    await searches
    look()

    assert {"index", "models", "poll", "query_0", "segment_updater"} <= seen.keys()
    eager = {name for name, values in seen.items() if min(values) < lowered}
    assert {name for name in eager if not name.startswith((*FOREGROUND, *WATCHING))} == set()
    assert seen["query_0"] == {own}
    assert children
    assert min(children) >= lowered
