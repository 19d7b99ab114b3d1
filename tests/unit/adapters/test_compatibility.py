"""Which adapters fit which base models."""

from __future__ import annotations

from pathlib import PurePath

import pytest

from codecontext.adapters import BaseArchitecture, check_compatible, inspect_adapter
from codecontext.core.errors import AdapterError

QUERY = "encoder.layer.0.attention.self.query"
VALUE = "encoder.layer.0.attention.self.value"


def base(name="example/base", fingerprint="abc", **modules):
    folder = PurePath("/here/site-packages/bundle/model")
    return BaseArchitecture(name, folder, fingerprint, modules or {QUERY: (12, 10), VALUE: (12, 10), "other": (3,)})


def test_fits_its_own_base_without_a_word(write_adapter):
    assert check_compatible(inspect_adapter(write_adapter()), base()) == []


@pytest.mark.parametrize("name", ["base", "~/models/Base", "someone/base"])
def test_knows_its_base_under_another_path(write_adapter, name):
    assert check_compatible(inspect_adapter(write_adapter()), base(name)) == []


def test_knows_its_base_by_its_folder_on_another_machine(write_adapter):
    info = inspect_adapter(write_adapter(base_model_name_or_path="/elsewhere/python3.12/bundle/model"))

    assert check_compatible(info, base("example/nickname")) == []


def test_warns_when_shapes_fit_but_the_name_is_another(write_adapter):
    [warning] = check_compatible(inspect_adapter(write_adapter()), base("example/sibling"))

    assert "example/base" in warning
    assert "example/sibling" in warning


def test_trusts_the_base_fingerprint_over_the_name(write_adapter):
    info = inspect_adapter(write_adapter(manifest={"base_fingerprint": "abc"}))

    assert check_compatible(info, base("example/sibling")) == []
    with pytest.raises(AdapterError, match="example/base has the fingerprint"):
        check_compatible(info, base(fingerprint="def"))


def test_refuses_modules_that_the_base_lacks_naming_both_models(write_adapter):
    with pytest.raises(AdapterError, match=f"example/base.*does not fit.*example/gpt.*no module {QUERY}"):
        check_compatible(inspect_adapter(write_adapter()), base("example/gpt", **{"h.0.attn": (12, 10)}))


def test_refuses_other_shapes_naming_both(write_adapter):
    with pytest.raises(AdapterError, match="12 x 20 in the base and 12 x 10 in the adapter"):
        check_compatible(inspect_adapter(write_adapter()), base(**{QUERY: (12, 20), VALUE: (12, 20)}))


def test_reads_transposed_weights_as_such(write_adapter):
    info = inspect_adapter(write_adapter(fan_in_fan_out=True))

    assert check_compatible(info, base(**{QUERY: (10, 12), VALUE: (10, 12)})) == []
