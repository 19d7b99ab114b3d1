"""The code that is measured on: Django's source, a small part of it, and its chunks."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from codecontext.chunking import chunk_source
from codecontext.core import CancelToken, Chunk
from codecontext.indexing.files import SourceFile
from codecontext.indexing.scan import ScanConfig, scan_folder

DJANGO = "5.2.19"
_SEED = 20260101


@dataclass(frozen=True, slots=True)
class SourceChunks:
    """One file of a folder and its chunks; ``path`` is relative, with ``/``."""

    path: str
    data: bytes
    chunks: list[Chunk]


def obtain_django(work: Path) -> Path:
    """Folder of Django's source in ``work``; fetched by pip, as it is configured, when it is not there yet.

    Raises ``RuntimeError`` with a sentence when it cannot be had.
    """
    folder = work / f"django-{DJANGO}"
    if folder.is_dir():
        return folder
    archive = _download(work)
    with tempfile.TemporaryDirectory(dir=work) as temporary, tarfile.open(archive) as file:
        file.extractall(temporary, filter="data")
        (Path(temporary) / folder.name).rename(folder)
    return folder


def copy_part(source: Path, target: Path, files: int) -> None:
    """Copy about ``files`` files of Python code into ``target``, the same ones each time."""
    paths = [file.path for file in _scan(source) if file.path.endswith(".py")]
    for path in random.Random(_SEED).sample(paths, min(files, len(paths))):
        file = target / path
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / path, file)


def read_chunks(folder: Path) -> Iterator[SourceChunks]:
    """The files of ``folder`` with their chunks, in a mixed order that is the same each time."""
    files = _scan(folder)
    random.Random(_SEED).shuffle(files)
    for file in files:
        data = file.read()
        yield SourceChunks(file.path, data, chunk_source(file.path, data))


def _scan(folder: Path) -> list[SourceFile]:
    return scan_folder(folder, ScanConfig(), CancelToken()).files


def _download(work: Path) -> Path:
    work.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "django"]
    process = subprocess.run(
        [*command, "--dest", work, f"django=={DJANGO}"], capture_output=True, text=True, check=False
    )
    archive = work / f"django-{DJANGO}.tar.gz"
    if process.returncode or not archive.is_file():
        reason = (process.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
        raise RuntimeError(
            f"Django {DJANGO} cannot be downloaded: {reason} Unpack its source and name it: --django DIR."
        )
    return archive
