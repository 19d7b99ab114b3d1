"""Updates of named paths, and the steps of a run one by one: always what a whole run would give."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from codecontext.chunking import CHUNK_FORMAT, ChunkingConfig
from codecontext.core.errors import ModelUnavailable
from codecontext.core.progress import CancelToken, Progress
from codecontext.embeddings.huggingface.config import HuggingFaceConfig
from codecontext.embeddings.huggingface.provider import HuggingFaceEmbeddingProvider
from codecontext.indexing.pipeline import Indexer
from codecontext.indexing.scan import ScanConfig
from codecontext.store.embedding_cache import EmbeddingCache
from codecontext.store.index_store import IndexStore
from indexes import chunks_of, digests_of, hashes_of, vectors_of

pytestmark = pytest.mark.slow

Git = Callable[..., str]
IndexerFor = Callable[..., Indexer]
Write = Callable[[dict[str, str]], None]

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


class Edits:
    """Random edits of a folder, each telling which paths it touched."""

    NAMES = ("a.py", "b.py", "notes.md", "x.log", "keep.log", "data.json", "id_rsa", "pic.png", "odd name.ts")
    FOLDERS = ("", "app", "app/inner", "build", "logs", "docs", "docs/deep", "vendor", "node_modules/lib")
    CONTENTS = (
        "def one(x):\n    return x + {0}\n",
        "# Title {0}\n\nSome words about number {0}.\n",
        "",
        "\0binary {0}",
        "def two(y):\n    return y - {0}\n\n\nclass Three:\n    value = {0}\n",
    )

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._random = random.Random(seed)

    def make(self) -> list[str]:
        kinds = (self.write, self.write, self.write, self.delete, self.delete_folder, self.move, self.link)
        touched = [path for _ in range(self._random.randint(1, 3)) for path in self._random.choice(kinds)()]
        return touched or self.write()

    def write(self) -> list[str]:
        path = self._place()
        file = self._folder / path
        if file.is_dir() or file.is_symlink() or self._is_below_link(file):
            return []
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self._random.choice(self.CONTENTS).format(self._random.randint(0, 99)), encoding="utf-8")
        return [path]

    def delete(self) -> list[str]:
        path = self._place()
        file = self._folder / path
        if not (file.is_file() or file.is_symlink()):
            return []
        file.unlink()
        return [path]

    def delete_folder(self) -> list[str]:
        path = self._random.choice(self.FOLDERS[1:])
        if self._random.random() < 0.6 or not (self._folder / path).is_dir():
            return []
        shutil.rmtree(self._folder / path)
        return [path]

    def move(self) -> list[str]:
        source, target = self._random.sample(self.FOLDERS[1:], 2)
        old, new = self._folder / source, self._folder / target
        if not old.is_dir() or new.exists() or new.is_relative_to(old):
            return []
        new.parent.mkdir(parents=True, exist_ok=True)
        old.rename(new)
        return [source, target]

    def link(self) -> list[str]:
        path = self._place()
        file = self._folder / path
        if file.exists() or file.is_symlink() or not file.parent.is_dir():
            return []
        file.symlink_to(self._folder / self._place())
        return [path]

    def _place(self) -> str:
        folder = self._random.choice(self.FOLDERS)
        return f"{folder}/{self._random.choice(self.NAMES)}".lstrip("/")

    def _is_below_link(self, file: Path) -> bool:
        return any(parent.is_symlink() for parent in file.parents)


RULES = {
    ".gitignore": "*.log\n!keep.log\nbuild/\nlogs/*\nnode_modules/\n",
    "app/.gitignore": "data.json\n",
    ".codecontextignore": "docs/deep\nvendor/*.md\n",
}


def held(store: IndexStore) -> tuple[list[tuple[object, ...]], dict[str, str]]:
    """What the index says of the code."""
    return chunks_of(store), digests_of(store)


def told(store: IndexStore) -> tuple[object, ...]:
    """What it says of files: also what was skipped; but for whether they were at rest, which time decides."""
    stamps = {path: replace(stamp, settled=True) for path, stamp in store.stamps().items()}
    return stamps, [replace(entry, settled=True) for entry in store.skipped()]


@pytest.fixture
def indexer_for(project: Path, provider: HuggingFaceEmbeddingProvider, tmp_path: Path) -> Iterator[IndexerFor]:
    """Make indexers of the project, each with an index of its own below a name."""
    cache = EmbeddingCache(tmp_path / "embeddings.sqlite", max_bytes=100_000_000)

    def make(name: str, **settings: Any) -> Indexer:
        return Indexer(project, IndexStore(tmp_path / "indexes" / name), cache, provider, **settings)

    yield make
    cache.close()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["repository", "nested repository", "plain folder"])
def test_updating_what_changed_gives_what_a_fresh_index_holds(
    kind: str, seed: int, project: Path, write: Write, git: Git, indexer_for: IndexerFor
) -> None:
    write(RULES)
    if kind != "plain folder":
        git("init", "-q")
        write({"app/a.py": AUTH, "logs/x.log": "tracked although ignored\n"})
        git("add", "--force", ".")
    if kind == "nested repository":
        (project / "vendor").mkdir()
        git("init", "-q", "vendor")
        write({"vendor/.gitignore": "b.py\n"})
    scan = ScanConfig(exclude=("app/inner",))
    indexer = indexer_for("updated", scan=scan)
    indexer.run()
    edits = Edits(project, seed)
    for step in range(12):
        changed = edits.make()
        report = indexer.update(changed)
        fresh = indexer_for(f"fresh-{step}", scan=scan)
        expected = fresh.update_text()
        assert held(indexer.store) == held(fresh.store), changed
        assert told(indexer.store) == told(fresh.store), changed
        assert (report.files, report.chunks, report.coverage) == (expected.files, expected.chunks, 1.0)
        assert set(vectors_of(indexer.store, report.space_id)) == set(hashes_of(fresh.store))


@pytest.mark.parametrize("rule", [".gitignore", "app/.gitignore", ".codecontextignore", ".git/info/exclude"])
def test_a_changed_ignore_file_counts_for_all_it_rules(
    rule: str, project: Path, write: Write, git: Git, indexer_for: IndexerFor
) -> None:
    git("init", "-q")
    write({"app/mail.py": MAIL})
    indexer = indexer_for("updated")
    assert indexer.run().files == 1
    (project / rule).write_text("mail.py\n", encoding="utf-8")
    report = indexer.update([rule])
    assert "app/mail.py" not in indexer.store.stamps()
    assert report.files_removed == 1


def test_paths_outside_the_folder_and_in_git_are_dropped(project: Path, write: Write, indexer_for: IndexerFor) -> None:
    write({"auth.py": AUTH})
    indexer = indexer_for("updated")
    indexer.run()
    project.with_name("outside.py").write_text(MAIL, encoding="utf-8")
    write({".git/hooks/mail.py": MAIL})
    report = indexer.update(["../outside.py", str(project.with_name("outside.py")), ".git/hooks/mail.py"])
    assert (report.files, report.files_written) == (1, 0)


def test_updating_without_an_index_builds_it(project: Path, write: Write, indexer_for: IndexerFor) -> None:
    write({"auth.py": AUTH, "app/mail.py": MAIL})
    assert indexer_for("updated").update(["auth.py"]).files == 2


def test_updating_after_other_settings_builds_anew(project: Path, write: Write, indexer_for: IndexerFor) -> None:
    write({"auth.py": AUTH, "app/mail.py": MAIL})
    indexer_for("same").run()
    report = indexer_for("same", chunking=ChunkingConfig(target_lines=5)).update(["auth.py"])
    assert report.files_written == 2
    assert any("it was rebuilt" in notice for notice in report.notices)


def test_updating_embeds_what_it_was_told_and_leaves_the_rest(
    project: Path, write: Write, indexer_for: IndexerFor
) -> None:
    write({"auth.py": AUTH, "app/mail.py": MAIL})
    indexer = indexer_for("updated")
    indexer.update_text()
    report = indexer.update(["app/mail.py"])
    assert (report.files_written, report.chunks_embedded, report.chunks) == (0, 1, 3)
    assert indexer.update_vectors().chunks_embedded == 2


def test_words_first_and_vectors_later(project: Path, write: Write, indexer_for: IndexerFor) -> None:
    write({"auth.py": AUTH, "app/mail.py": MAIL})
    indexer = indexer_for("steps")
    words = indexer.update_text()
    assert (words.files, words.chunks, words.coverage, words.space_id) == (2, 3, 0.0, "")
    assert indexer.store.search_terms(["password"], {"body_terms": 1.0}, limit=5)
    vectors = indexer.update_vectors()
    assert (vectors.chunks_embedded, vectors.coverage, vectors.files) == (3, 1.0, 2)
    assert indexer.run().files_written == 0


def test_words_need_no_model(project: Path, write: Write, indexer_for: IndexerFor, tmp_path: Path) -> None:
    write({"auth.py": AUTH})
    indexer = indexer_for("words")
    config = HuggingFaceConfig(model_name=str(tmp_path / "no-model"))
    indexer.provider = HuggingFaceEmbeddingProvider(config, chunk_format=CHUNK_FORMAT)
    assert indexer.update_text().chunks == 2
    with pytest.raises(ModelUnavailable):
        indexer.update_vectors()
    assert indexer.update_text().files_written == 0


def test_vectors_of_a_candidate_are_kept_beside_the_active_ones(
    project: Path, write: Write, indexer_for: IndexerFor, make_adapter: Callable[..., Path]
) -> None:
    write({"auth.py": AUTH})
    indexer = indexer_for("spaces")
    active = indexer.run().space_id
    config = HuggingFaceConfig(lora_adapter_path=str(make_adapter(seed=5)))
    with HuggingFaceEmbeddingProvider(config, chunk_format=CHUNK_FORMAT) as candidate:
        beside = indexer.update_vectors(candidate, activate=False)
        assert (beside.space_id, beside.chunks_embedded) == (active, 2)
        indexer.run()
        assert set(indexer.store.state().spaces) == {active, candidate.space.space_id}
        switched = indexer.update_vectors(candidate)
        assert (switched.space_id, switched.chunks_embedded) == (candidate.space.space_id, 0)


def test_cancelled_vectors_are_kept_and_continued(project: Path, write: Write, indexer_for: IndexerFor) -> None:
    write({f"module_{n}.py": f"def job_{n}(x):\n    return x * {n}\n" for n in range(150)})
    indexer = indexer_for("slices")
    indexer.update_text()
    cancel = CancelToken()

    def stop_after_the_first_batch(progress: Progress) -> None:
        if progress.stage == "embedding" and progress.done:
            cancel.cancel()

    slice_report = indexer.update_vectors(on_progress=stop_after_the_first_batch, cancel=cancel)
    assert slice_report.cancelled
    assert 0 < slice_report.chunks_embedded < 150
    rest = indexer.update_vectors()
    assert (rest.chunks_embedded, rest.coverage) == (150 - slice_report.chunks_embedded, 1.0)


def test_a_cancelled_update_is_made_up_for_by_the_next_run(
    project: Path, write: Write, indexer_for: IndexerFor
) -> None:
    write({"auth.py": AUTH, "app/mail.py": MAIL})
    indexer = indexer_for("updated")
    indexer.run()
    write({"auth.py": MAIL})
    cancel = CancelToken()
    cancel.cancel()
    assert indexer.update(["auth.py"], cancel=cancel).cancelled
    indexer.run()
    fresh = indexer_for("fresh")
    fresh.run()
    assert held(indexer.store) == held(fresh.store)


def test_files_named_first_are_read_and_embedded_first(project: Path, write: Write, indexer_for: IndexerFor) -> None:
    write({f"module_{n:03}.py": f"def job_{n}(x):\n    return x * {n}\n" for n in range(250)})
    os.utime(project / "module_007.py", ns=(1, 1))
    indexer = indexer_for("first")
    seen: list[bool] = []
    indexer.run(
        first=["module_007.py"],
        on_progress=lambda _progress: seen.append("module_007.py" in indexer.store.stamps()),
    )
    reading = indexer_for("last")
    late: list[bool] = []
    reading.run(on_progress=lambda _progress: late.append("module_007.py" in reading.store.stamps()))
    assert seen.index(True) < late.index(True)
