"""Adapters are found where they lie, sound or not."""

from __future__ import annotations

from codecontext.adapters import AdapterInfo, InvalidAdapter, discover_adapters


def test_finds_roots_and_their_subfolders_once(write_adapter, tmp_path):
    first, second = write_adapter("adapters/first"), write_adapter("adapters/second")
    (tmp_path / "adapters" / "notes").mkdir()

    found = discover_adapters([tmp_path / "adapters", second, tmp_path / "missing"])

    assert [adapter.path for adapter in found] == [first, second]
    assert all(isinstance(adapter, AdapterInfo) for adapter in found)


def test_says_what_is_wrong_with_an_unusable_one(write_adapter, tmp_path):
    broken = write_adapter("adapters/broken", peft_type="IA3")

    [found] = discover_adapters([tmp_path / "adapters"])

    assert isinstance(found, InvalidAdapter)
    assert found.path == broken
    assert "IA3" in found.reason
