"""What a process does to itself at its start."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROBE = """
import ctypes, threading
from codecontext.core.startup import limit_malloc_arenas

limit_malloc_arenas()
libc = ctypes.CDLL(None)
libc.fopen.restype = libc.malloc.restype = ctypes.c_void_p
libc.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
libc.fclose.argtypes = [ctypes.c_void_p]
blocks = threading.Barrier(8)

def allocate():
    libc.malloc(1000)
    blocks.wait()

threads = [threading.Thread(target=allocate) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
out = libc.fopen(b"/dev/stdout", b"w")
libc.malloc_info(0, out)
libc.fclose(out)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have other allocators")
def test_threads_share_two_arenas() -> None:
    result = subprocess.run([sys.executable, "-c", PROBE], check=True, capture_output=True, text=True)
    if "<malloc" not in result.stdout:
        pytest.skip("this Linux has no glibc")
    assert 1 <= result.stdout.count("<heap nr=") <= 2
