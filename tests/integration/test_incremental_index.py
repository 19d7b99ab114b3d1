"""What a second run does: embed nothing that it knows, and never keep what is no longer true."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from codecontext.chunking import ChunkingConfig
from codecontext.core.progress import CancelToken, Progress
from codecontext.embeddings.huggingface.provider import HuggingFaceEmbeddingProvider
from codecontext.engine.engine import Engine
from codecontext.indexing import chunk_stage
from codecontext.indexing.pipeline import Indexer
from codecontext.indexing.reader import InProcessReader, ReadBatch, ReadRequest
from codecontext.indexing.reader_pool import ReaderPool
from codecontext.search.results import SearchResponse
from codecontext.store.embedding_cache import EmbeddingCache
from codecontext.store.index_store import IndexStore

pytestmark = pytest.mark.slow

AUTH = '''\
def hash_password(password: str) -> str:
    """Derive a salted digest of the password."""
    return digest(password + SALT)


def check_password(password: str, stored: str) -> bool:
    """Compare a password with the stored digest in constant time."""
    return constant_time_equals(hash_password(password), stored)
'''
MAIL = '''\
def send_welcome_mail(user):
    """Queue the first mail that a new user gets."""
    queue.push(render("welcome.txt", user))
'''


@pytest.fixture
def indexed(project: Path, write: Callable[..., None], engine_for: Callable[[Path], Engine]) -> Engine:
    write({"auth.py": AUTH, "app/mail.py": MAIL})
    engine = engine_for(project)
    report = engine.index()
    assert report.files == 2
    assert report.chunks_embedded == report.chunks == 3
    return engine


def paths(response: SearchResponse) -> list[str]:
    return [hit.path for hit in response.hits]


def test_unchanged_folder_embeds_and_writes_nothing(indexed: Engine) -> None:
    report = indexed.index()
    assert (report.files_written, report.chunks_embedded, report.chunks_reused) == (0, 0, 0)
    assert report.coverage == 1.0


def test_edited_body_embeds_that_chunk_only(indexed: Engine, project: Path) -> None:
    (project / "auth.py").write_text(AUTH.replace("+ SALT", "+ PEPPER"), encoding="utf-8")
    report = indexed.index()
    assert (report.files_written, report.chunks_embedded) == (1, 1)
    assert report.chunks == 3


def test_edit_that_moves_no_lines_replaces_text_and_vector(indexed: Engine, project: Path) -> None:
    file = project / "auth.py"
    before = file.stat()
    changed = AUTH.replace("SALT", "KELP")
    assert len(changed) == len(AUTH)
    file.write_text(changed, encoding="utf-8")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    report = indexed.index()
    assert report.chunks_embedded == 1
    assert any("KELP" in hit.text for hit in indexed.search("salted digest of the password").hits)


def test_lines_that_only_moved_embed_nothing(indexed: Engine, project: Path) -> None:
    (project / "app/mail.py").write_text("\n\n\n" + MAIL, encoding="utf-8")
    report = indexed.index()
    assert (report.files_written, report.chunks_embedded, report.chunks_reused) == (1, 0, 0)
    assert indexed.search("welcome mail").hits[0].start_line == 4


@pytest.mark.parametrize("target", ["renamed.py", "deep/er/auth.py"])
def test_moved_file_embeds_nothing_and_answers_at_its_new_place(indexed: Engine, project: Path, target: str) -> None:
    (project / target).parent.mkdir(parents=True, exist_ok=True)
    (project / "auth.py").rename(project / target)
    report = indexed.index()
    assert (report.chunks_embedded, report.chunks_reused, report.files) == (0, 0, 2)
    found = paths(indexed.search("check_password"))
    assert target in found
    assert "auth.py" not in found


def test_deleted_file_answers_nothing(indexed: Engine, project: Path) -> None:
    (project / "auth.py").unlink()
    assert "auth.py" not in paths(indexed.search("check the password"))  # not even before the next run
    report = indexed.index()
    assert (report.files, report.files_removed) == (1, 1)
    assert "auth.py" not in paths(indexed.search("check the password"))


def test_file_counts_stay_right(indexed: Engine, project: Path, write: Callable[..., None]) -> None:
    write({"one.py": "def one():\n    return 1\n", "empty.py": "", "notes.md": "# Notes\n\nRemember the milk.\n"})
    (project / "auth.py").unlink()
    first = indexed.index()
    second = indexed.index()
    assert first.files == second.files == indexed.status().files == 3
    assert first.skipped == second.skipped
    assert second.files_written == second.files_removed == 0


def test_branch_there_and_back_embeds_only_what_is_new(
    project: Path, write: Callable[..., None], git: Callable[..., str], engine_for: Callable[[Path], Engine]
) -> None:
    git("init", "-q", "-b", "main")
    write({"auth.py": AUTH, "mail.py": MAIL})
    git("add", ".")
    git("commit", "-qm", "start")
    engine = engine_for(project)
    engine.index()
    git("checkout", "-qb", "other")
    write({"mail.py": MAIL.replace("welcome", "farewell")})
    git("commit", "-qam", "farewell")
    assert engine.index().chunks_embedded == 1
    git("checkout", "-q", "main")
    back = engine.index()
    assert (back.chunks_embedded, back.chunks_reused) == (0, 1)
    assert "welcome" in engine.search("send_welcome_mail").hits[0].text


def test_second_worktree_embeds_nothing(indexed: Engine, project: Path, engine_for: Callable[[Path], Engine]) -> None:
    copy = project.with_name("copy")
    shutil.copytree(project, copy)
    report = engine_for(copy).index()
    assert (report.chunks_embedded, report.chunks_reused) == (0, 3)
    assert report.coverage == 1.0


def test_same_text_in_two_files_is_embedded_once_and_found_twice(
    indexed: Engine, project: Path, write: Callable[..., None]
) -> None:
    write({"copy/mail.py": MAIL})
    assert indexed.index().chunks_embedded == 0
    assert {"app/mail.py", "copy/mail.py"} <= set(paths(indexed.search("queue the first mail")))


def test_force_builds_anew_from_the_cache(indexed: Engine) -> None:
    report = indexed.index(force=True)
    assert report.files_written == 2
    assert (report.chunks_embedded, report.chunks_reused) == (0, 3)


def test_file_that_becomes_unreadable_as_text_leaves_the_index(indexed: Engine, project: Path) -> None:
    (project / "auth.py").write_bytes(b"\x00\x01\x02" * 400)
    report = indexed.index()
    assert report.skipped == {"binary": 1}
    assert report.files == 1
    assert "auth.py" not in paths(indexed.search("check_password"))


def test_nested_ignore_files_count(
    project: Path, write: Callable[..., None], git: Callable[..., str], engine_for: Callable[[Path], Engine]
) -> None:
    git("init", "-q")
    write({"auth.py": AUTH, "app/.gitignore": "mail.py\n", "app/mail.py": MAIL})
    engine = engine_for(project)
    engine.index()
    assert paths(engine.search("send_welcome_mail")) != []
    assert "app/mail.py" not in paths(engine.search("send_welcome_mail"))
    assert {item.path: item.reason for item in engine.status().skipped_files}["app/mail.py"] == "ignored_by_git"


class RecordingReader(InProcessReader):
    """Reads, and remembers what."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    def read(
        self, batches: Iterable[Sequence[ReadRequest]], config: ChunkingConfig, cancel: CancelToken
    ) -> Generator[ReadBatch, None, None]:
        for batch in super().read(batches, config, cancel):
            self.paths += [request.file.path for request, _ in batch]
            yield batch


def test_files_skipped_for_their_content_are_read_again_only_when_they_change(
    indexed: Engine, project: Path, provider: HuggingFaceEmbeddingProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunk_stage, "RACY_NS", -60_000_000_000)  # all that is older than a minute from now is at rest
    (project / "data.py").write_bytes(b"\0\1\2")
    (project / "key.txt").write_text("-----BEGIN RSA PRIVATE KEY-----\n")
    skipped = {"binary": 1, "secret": 1}
    reader = RecordingReader()
    assert indexed.index(reader=reader).skipped == skipped
    assert {"data.py", "key.txt"} <= set(reader.paths)
    reader.paths.clear()
    assert indexed.index(reader=reader).skipped == skipped
    assert indexed.indexer(provider, reader).update(["key.txt"], vectors=False).skipped == skipped
    assert not reader.paths
    (project / "data.py").write_text("x = 1\n")
    report = indexed.index(reader=reader)
    assert (report.skipped, report.files, reader.paths) == ({"secret": 1}, 3, ["data.py"])


@pytest.mark.parametrize("parallel", [False, True], ids=["in process", "in children"])
def test_the_first_files_are_searchable_while_the_others_are_still_looked_for(
    project: Path, write: Callable[..., None], provider: HuggingFaceEmbeddingProvider, tmp_path: Path, *, parallel: bool
) -> None:
    write({f"part_{n % 30}/job_{n}.py": f"def job_{n}(x):\n    return x * {n}\n" for n in range(1_200)})
    (project / "part_3/data.py").write_bytes(b"\0\1\2")
    store = IndexStore(tmp_path / "index")
    seen: list[Progress] = []
    with (
        closing(ReaderPool()) as pool,
        closing(EmbeddingCache(tmp_path / "embeddings.sqlite", max_bytes=100_000_000)) as cache,
    ):
        recording = RecordingReader()
        indexer = Indexer(project, store, cache, provider, reader=pool if parallel else recording)
        report = indexer.update_text(on_progress=seen.append)
    assert (report.files, report.files_written, report.skipped) == (1_200, 1_200, {"binary": 1})
    reading = [(progress.done, progress.total) for progress in seen if progress.stage == "reading"]
    assert reading[0] == (100, 0)
    assert reading[-1] == (1_101, 1_101)
    assert len(recording.paths) == len(set(recording.paths))
