"""An adapter's folder appears complete or not at all."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from codecontext.core.errors import StoreError, TrainingError
from codecontext.training.release.artifact import write_adapter
from codecontext.training.release.places import adapter_target, evaluation_report


def fill(content: str) -> object:
    def save(folder: Path) -> None:
        (folder / "codecontext.json").write_text("{}")
        (folder / "weights").write_text(content)

    return save


def test_it_appears_with_all_its_files(tmp_path: Path) -> None:
    write_adapter(tmp_path / "deep" / "a", fill("one"), replace=False)
    assert (tmp_path / "deep" / "a" / "weights").read_text() == "one"
    assert [item.name for item in (tmp_path / "deep").iterdir()] == ["a"]


def test_what_is_there_is_replaced_only_on_request(tmp_path: Path) -> None:
    target = tmp_path / "a"
    write_adapter(target, fill("one"), replace=False)
    with pytest.raises(TrainingError, match="An adapter already exists"):
        write_adapter(target, fill("two"), replace=False)
    assert (target / "weights").read_text() == "one"
    write_adapter(target, fill("two"), replace=True)
    assert (target / "weights").read_text() == "two"
    assert [item.name for item in tmp_path.iterdir()] == ["a"]


def test_a_folder_of_something_else_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "thesis.txt").write_text("mine")
    with pytest.raises(TrainingError, match="is not an adapter trained by CodeContext"):
        write_adapter(tmp_path / "a", fill("one"), replace=True)
    assert (tmp_path / "a" / "thesis.txt").read_text() == "mine"


def test_a_failure_in_between_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "a"
    write_adapter(target, fill("one"), replace=False)

    def fail(folder: Path) -> None:
        (folder / "codecontext.json").write_text("{}")
        raise OSError(28, "No space left on device")

    with pytest.raises(StoreError, match="No space left on device"):
        write_adapter(target, fail, replace=True)
    assert (target / "weights").read_text() == "one"
    assert [item.name for item in tmp_path.iterdir()] == ["a"]


DISK_FULL = textwrap.dedent(
    """
    import json, resource, signal, sys
    from pathlib import Path
    import torch
    from safetensors.torch import save_file
    from codecontext.core.errors import CodeContextError
    from codecontext.training.release.artifact import write_adapter
    from codecontext.training.optimize.checkpoint import Checkpoint, TrainingState

    folder = Path(sys.argv[1])
    weights = {"w": torch.zeros(100, 100)}
    optimiser = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))])
    checkpoint = Checkpoint(folder / "checkpoint.safetensors", "digest of the run")
    checkpoint.save(TrainingState(step=1), {"w": torch.zeros(3)}, {}, optimiser)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20000, resource.RLIM_INFINITY))
    said = []
    for write in (
        lambda: checkpoint.save(TrainingState(step=2), weights, {}, optimiser),
        lambda: write_adapter(folder / "adapter", lambda draft: save_file(weights, draft / "x"), replace=False),
    ):
        try:
            write()
        except CodeContextError as error:
            said.append([error.code, str(error)])
    state, *_ = checkpoint.load(optimiser)
    print(json.dumps([said, state.step, sorted(item.name for item in folder.iterdir())]))
    """
)


def test_a_full_disk_is_said_and_the_last_state_stays(tmp_path: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", DISK_FULL, str(tmp_path)], check=False, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
    said, step, left = json.loads(process.stdout)
    assert [code for code, _ in said] == ["store", "store"]
    assert all("Free some space" in sentence for _, sentence in said)
    assert step == 1
    assert left == ["checkpoint.safetensors"]


@pytest.mark.parametrize("name", ["", "base", "../x", "a/b", ".hidden", "x" * 65, "a b"])
def test_names_that_make_no_folder_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="is not a valid adapter name"):
        adapter_target(tmp_path, name, None)


def test_without_a_name_the_folder_gives_one_that_is_free(tmp_path: Path) -> None:
    folder = tmp_path / "My shop!"
    assert adapter_target(folder, None, tmp_path).name == "My-shop-1"
    (tmp_path / "My-shop-1").mkdir()
    assert adapter_target(folder, None, tmp_path).name == "My-shop-2"


def test_a_report_cannot_leave_its_folder(tmp_path: Path) -> None:
    report = evaluation_report(tmp_path, "../../etc/x")
    assert report.parent.name == "reports"
