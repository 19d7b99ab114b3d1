"""An index and its adapter: spaces never mix, content decides, nothing falls back in silence."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codecontext.config import load_settings
from codecontext.core.errors import AdapterError
from codecontext.engine.engine import Engine

pytestmark = pytest.mark.slow

OpenEngine = Callable[[Path | None], Engine]
MakeAdapter = Callable[..., Path]

FILES = {
    "auth.py": "def check_password(user, password):\n    return digest(password) == user.digest\n",
    "mail.py": "def send_welcome(user):\n    queue.push(render('welcome', user))\n",
}


@pytest.fixture
def open_engine(project: Path, write: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenEngine]:
    """An engine with a model of its own, as a new process would have, with an adapter or none."""
    write(FILES)
    engines: list[Engine] = []

    def make(adapter: Path | None) -> Engine:
        key = "CODECONTEXT_EMBEDDINGS__HUGGINGFACE__LORA_ADAPTER_PATH"
        monkeypatch.setenv(key, str(adapter or ""))
        monkeypatch.setenv("CODECONTEXT_EMBEDDINGS__HUGGINGFACE__BACKEND", "torch")
        engines.append(Engine(project, load_settings(project).settings))
        return engines[-1]

    yield make
    for engine in engines:
        engine.close()


def test_switching_embeds_once_and_going_back_embeds_nothing(
    open_engine: OpenEngine, make_adapter: MakeAdapter
) -> None:
    base = open_engine(None).index()
    adapter = make_adapter()
    with_adapter = open_engine(adapter).index()
    assert with_adapter.chunks_embedded == base.chunks_embedded == 2
    assert with_adapter.files_written == 0
    assert with_adapter.space_id != base.space_id
    back = open_engine(None).index()
    assert (back.space_id, back.chunks_embedded, back.chunks_reused) == (base.space_id, 0, 0)


def test_one_load_hashes_the_adapter_once(
    open_engine: OpenEngine, make_adapter: MakeAdapter, hashed: list[Path]
) -> None:
    adapter = make_adapter()
    engine = open_engine(adapter)
    engine.index()
    for _ in range(2):
        assert engine.search("check the password").state.adapter == str(adapter)
    assert hashed == [adapter / "adapter_model.safetensors"]


def test_a_missing_adapter_leaves_the_base_model_active_and_is_taken_when_it_comes(
    open_engine: OpenEngine, make_adapter: MakeAdapter, tmp_path: Path
) -> None:
    open_engine(None).index()
    place = tmp_path / "missing"
    engine = open_engine(place)
    response = engine.search("check the password")
    assert response.hits[0].symbol == "check_password"
    assert response.state.adapter is None
    assert (response.state.degraded or "").startswith(
        f"Using the base model instead of the adapter {place}: LoRA adapter path does not exist: {place}."
    )
    shutil.copytree(make_adapter(seed=7), place)
    assert engine.search("check the password").state.adapter == str(place)


def test_every_answer_names_the_adapter_and_its_space(open_engine: OpenEngine, make_adapter: MakeAdapter) -> None:
    adapter = make_adapter()
    engine = open_engine(adapter)
    report = engine.index()
    state = engine.search("check the password").state
    assert state.adapter == str(adapter)
    assert state.space == report.space_id
    assert state.fingerprint
    assert state.degraded is None


def test_new_weights_under_the_same_path_are_noticed(
    open_engine: OpenEngine, make_adapter: MakeAdapter, tmp_path: Path
) -> None:
    place = tmp_path / "adapter"
    shutil.copytree(make_adapter(seed=1), place)
    first = open_engine(place).index()
    shutil.copytree(make_adapter(seed=2), place, dirs_exist_ok=True)
    engine = open_engine(place)
    assert "Run 'codecontext index'" in (engine.search("password").state.degraded or "")
    second = engine.index()
    assert second.space_id != first.space_id
    assert second.chunks_embedded == 2
    assert engine.search("password").state.degraded is None


def test_the_same_weights_elsewhere_embed_nothing(
    open_engine: OpenEngine, make_adapter: MakeAdapter, tmp_path: Path
) -> None:
    adapter = make_adapter(seed=3)
    first = open_engine(adapter).index()
    shutil.copytree(adapter, tmp_path / "copy")
    second = open_engine(tmp_path / "copy").index()
    assert (second.space_id, second.chunks_embedded) == (first.space_id, 0)


def test_a_query_side_adapter_embeds_no_document(open_engine: OpenEngine, make_adapter: MakeAdapter) -> None:
    base = open_engine(None).index()
    engine = open_engine(make_adapter(seed=4, side="query"))
    report = engine.index()
    assert (report.space_id, report.chunks_embedded, report.chunks_reused) == (base.space_id, 0, 0)
    state = engine.search("password").state
    assert state.adapter
    assert state.degraded is None


def test_a_broken_adapter_stops_the_index_and_labels_the_answers(
    open_engine: OpenEngine, make_adapter: MakeAdapter, tmp_path: Path
) -> None:
    base = open_engine(None).index()
    broken = tmp_path / "broken"
    shutil.copytree(make_adapter(seed=5), broken)
    weights = broken / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    engine = open_engine(broken)
    with pytest.raises(AdapterError):
        engine.index()
    response = engine.search("check the password")
    assert response.hits[0].symbol == "check_password"
    assert response.state.space == base.space_id
    assert response.state.adapter is None
    assert f"Using the base model instead of the adapter {broken}: " in (response.state.degraded or "")


def test_without_peft_the_answers_are_labelled(
    open_engine: OpenEngine,
    make_adapter: MakeAdapter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("codecontext.embeddings.huggingface.provider.PEFT_AVAILABLE", False)
    adapter = make_adapter(seed=6)
    engine = open_engine(adapter)
    engine.index()
    sentence = f"PEFT library not installed, cannot load LoRA adapter: {adapter}. Install with: pip install peft"
    assert sentence in (engine.search("password").state.degraded or "")
