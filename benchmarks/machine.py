"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil
from pydantic import BaseModel, Field

_PACKAGES = (
    "codecontext",
    "numpy",
    "openvino",
    "peft",
    "sentence-transformers",
    "simsimd",
    "tantivy",
    "tokenizers",
    "torch",
    "transformers",
    "tree-sitter",
)
# Instructions that decide how fast a CPU multiplies matrices, as the Linux kernel names them.
_MATRIX_FLAGS = (
    "avx2",
    "avx_vnni",
    "avx512f",
    "avx512_vnni",
    "avx512_bf16",
    "avx512_fp16",
    "amx_bf16",
    "amx_int8",
    "asimddp",
    "bf16",
    "i8mm",
    "sve",
)
_CPU_FACTS = Path("/proc/cpuinfo")


class Machine(BaseModel):
    """Hardware, system and versions."""

    system: str
    cpu: str
    cpu_flags: list[str] = Field(description="Of those that matter here; empty where the system hides them.")
    cores: int = Field(description="Cores that this process may use.")
    memory_bytes: int
    load: float = Field(description="Runnable processes in the minute before the first benchmark, on average.")
    python: str
    packages: dict[str, str]

    @property
    def is_busy(self) -> bool:
        """Whether other work takes so much of the cores that times mean little."""
        return self.load > self.cores / 2


def describe_machine() -> Machine:
    """The machine as it is now."""
    cpu, flags = _cpu()
    return Machine(
        system=platform.platform(terse=True),
        cpu=cpu,
        cpu_flags=flags,
        cores=usable_cores(),
        memory_bytes=psutil.virtual_memory().total,
        load=round(psutil.getloadavg()[0], 2),
        python=platform.python_version(),
        packages=_versions(),
    )


def usable_cores() -> int:
    """Cores that this process may use, where the system can tell; else all."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu() -> tuple[str, list[str]]:
    """Name of the CPU and its flags of interest."""
    if not _CPU_FACTS.is_file():
        return platform.processor() or platform.machine(), []
    facts = dict(re.findall(r"^([^\t:]+)\s*: (.*)$", _CPU_FACTS.read_text(encoding="utf-8"), re.MULTILINE))
    present = (facts.get("flags") or facts.get("Features") or "").split()
    return facts.get("model name") or platform.machine(), [flag for flag in _MATRIX_FLAGS if flag in present]


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
