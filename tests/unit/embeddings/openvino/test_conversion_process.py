"""Models are converted in a process of their own, and whatever happens to it is said and survived."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
from safetensors.numpy import load_file, save_file

from codecontext.core import CancelToken
from codecontext.core.errors import AdapterError, ModelUnavailable, OperationCancelled
from codecontext.embeddings import InstructionType
from codecontext.embeddings.huggingface import HuggingFaceConfig, HuggingFaceEmbeddingProvider
from codecontext.embeddings.openvino import conversion_process
from codecontext.embeddings.openvino.backend import OPENVINO_AVAILABLE

pytestmark = [
    # transformers warns of an attribute of its own that PEFT reads.
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"),
    pytest.mark.skipif(not OPENVINO_AVAILABLE, reason="OpenVINO is not installed"),
]

TEXT = "def close(self) -> None:"

PASSAGE = InstructionType.NL2CODE_PASSAGE

# A process of the engine: first the base model, then each adapter beside it.
ENGINE = """
import json, logging, sys
from codecontext.embeddings import InstructionType
from codecontext.embeddings.huggingface import HuggingFaceConfig
from codecontext.service.models import Models

logging.basicConfig(format="%(message)s", level=logging.INFO)
base = Models().base(HuggingFaceConfig(backend="openvino", device="cpu"), leave_cores=1)
vectors = []
for provider in (base, *map(base.beside, sys.argv[2:])):
    vectors.append(provider.embed_text(sys.argv[1], InstructionType.NL2CODE_PASSAGE).tolist())
heavy = [name for name in ("torch", "transformers", "peft") if name in sys.modules]
print(json.dumps({"heavy": heavy, "vectors": vectors}))
"""

# A process that starts a conversion and says which process that is.
PARENT = """
import subprocess, sys
from codecontext.embeddings.huggingface import HuggingFaceConfig, HuggingFaceEmbeddingProvider
from codecontext.embeddings.openvino import conversion_process

class Said(subprocess.Popen):
    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        print(self.pid, flush=True)

conversion_process.subprocess.Popen = Said
config = HuggingFaceConfig(model_name=sys.argv[1], backend="openvino", device="cpu")
HuggingFaceEmbeddingProvider(config).initialize()
"""


def provider_of(model: Path, **settings) -> HuggingFaceEmbeddingProvider:
    return HuggingFaceEmbeddingProvider(
        HuggingFaceConfig(model_name=str(model), backend="openvino", device="cpu", **settings)
    )


def warnings_of(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def at_start(monkeypatch, do) -> None:
    """Do something as soon as a conversion's process runs."""

    class Treated(subprocess.Popen):
        def __init__(self, *arguments, **settings):
            super().__init__(*arguments, **settings)
            do(self)

    monkeypatch.setattr(conversion_process.subprocess, "Popen", Treated)


@pytest.fixture(scope="module")
def adapters(make_adapter) -> list[Path]:
    """A plain adapter, and one that takes PEFT."""
    return [make_adapter(), make_adapter(use_dora=True, target_modules=["key"])]


@pytest.fixture(scope="module")
def first_run(adapters, tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The home of an engine that ran for the first time, with these adapters, and what came of it."""
    home = tmp_path_factory.mktemp("first-run")
    result = subprocess.run(
        [sys.executable, "-c", ENGINE, TEXT, *map(str, adapters)],
        env=os.environ | {"CODECONTEXT_HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    return home, result


def test_an_engine_never_imports_torch(first_run, adapters, torch_provider):
    _, result = first_run

    answer = json.loads(result.stdout)  # nothing else came out of any process
    assert answer["heavy"] == []
    expected = [torch_provider.beside(adapter).embed_text(TEXT, PASSAGE) for adapter in (None, *adapters)]
    for found, wanted in zip(answer["vectors"], expected, strict=True):
        assert np.dot(found, wanted) / np.linalg.norm(found) / np.linalg.norm(wanted) >= 0.999
    said = [line for line in result.stderr.splitlines() if line.startswith("Preparing ")]
    assert said == ["Preparing all-MiniLM-L6-v2 for OpenVINO; this happens only once."] * 2


def test_faults_of_an_adapter_cross(first_run, adapters, torch_provider, monkeypatch, tmp_path):
    monkeypatch.setenv("CODECONTEXT_HOME", str(first_run[0]))
    adapter = shutil.copytree(adapters[0], tmp_path / "incomplete")
    file = adapter / "adapter_model.safetensors"
    save_file({name: weight for name, weight in load_file(file).items() if "layer.5" not in name}, file)
    with pytest.raises(AdapterError) as expected:
        torch_provider.beside(adapter)
    base = HuggingFaceEmbeddingProvider(HuggingFaceConfig(backend="openvino", device="cpu"))
    base.initialize()

    with pytest.raises(AdapterError, match="is incomplete") as found:
        base.beside(adapter)

    assert (found.value.message, found.value.hint) == (expected.value.message, expected.value.hint)


def test_faults_of_a_model_cross(small_model, tmp_path):
    damaged = shutil.copytree(small_model, tmp_path / "damaged")
    (damaged / "model.safetensors").write_bytes(b"")

    with pytest.raises(ModelUnavailable, match=re.escape(f"The model {damaged} cannot be loaded")):
        provider_of(damaged).initialize()


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
def test_lack_of_memory_is_said_and_tried_again(small_model, monkeypatch, caplog):
    provider = provider_of(small_model)
    with monkeypatch.context() as patch:
        at_start(patch, lambda child: child.send_signal(signal.SIGKILL))
        with pytest.raises(ModelUnavailable, match="not enough memory to prepare the model"):
            provider.initialize()

    provider.initialize()

    assert provider.backend_name.startswith("openvino")
    assert warnings_of(caplog) == []


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
def test_what_crashes_the_process_is_left_to_torch(small_model, monkeypatch, caplog):
    at_start(monkeypatch, lambda child: child.send_signal(signal.SIGSEGV))
    provider = provider_of(small_model)
    provider.initialize()

    assert provider.backend_name == "torch (cpu)"
    assert warnings_of(caplog) == [
        f"OpenVINO is not used for {small_model}: converting it crashes the process (SIGSEGV). Using torch instead."
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
def test_what_hangs_is_ended_and_left_to_torch(small_model, monkeypatch, caplog):
    children = []
    at_start(monkeypatch, lambda child: (children.append(child), child.send_signal(signal.SIGSTOP)))
    monkeypatch.setattr(conversion_process, "LONGEST_SECONDS", 1.0)
    provider = provider_of(small_model)
    provider.initialize()

    assert provider.backend_name == "torch (cpu)"
    assert [child.returncode for child in children] == [-signal.SIGKILL]
    assert warnings_of(caplog) == [
        f"OpenVINO is not used for {small_model}: converting it took longer than 1 seconds. Using torch instead."
    ]


def test_a_process_that_cannot_work_is_replaced_by_the_own(small_model, monkeypatch, caplog):
    monkeypatch.setattr(conversion_process, "_WORKER_MODULE", "codecontext.no_such_module")
    provider = provider_of(small_model)
    with caplog.at_level(logging.INFO):
        provider.initialize()

    assert provider.backend_name.startswith("openvino")
    [warning] = warnings_of(caplog)
    assert re.search(r"exited with status 1 \(.*no_such_module.*\)\. Converting the model in this process", warning)
    assert caplog.messages.count(f"Preparing {small_model} for OpenVINO; this happens only once.") == 1


def test_a_process_that_cannot_start_is_replaced_by_the_own(small_model, monkeypatch, caplog, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    provider = provider_of(small_model)
    provider.initialize()

    assert provider.backend_name.startswith("openvino")
    [warning] = warnings_of(caplog)
    assert "cannot start" in warning


def test_what_cannot_be_stored_is_converted_in_the_own_process(small_model, monkeypatch, caplog, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("CODECONTEXT_HOME", str(tmp_path / "file" / "home"))
    provider = provider_of(small_model)
    provider.initialize()

    assert provider.backend_name.startswith("openvino")
    assert "The subprocess that converts the model cannot store the result. Converting" in caplog.text


def test_stops_on_request(small_model, monkeypatch):
    token, children = CancelToken(), []
    at_start(monkeypatch, lambda child: (children.append(child), token.cancel()))

    with pytest.raises(OperationCancelled):
        provider_of(small_model).initialize(cancel=token)

    [child] = children
    assert child.returncode is not None


def test_ends_with_its_parent(small_model):
    command = [sys.executable, "-c", PARENT, str(small_model)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as parent:
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()

    with contextlib.suppress(psutil.NoSuchProcess):
        child.wait(timeout=60)
    assert not child.is_running()
