"""``import codecontext`` as a library: what it exports, and that it costs nothing until it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import codecontext
from codecontext.core import errors


def test_everything_that_is_exported_is_there() -> None:
    assert set(codecontext.__all__) == {"CodeContextError", "Engine", "Hit", "SearchResponse", "__version__"}
    for name in codecontext.__all__:
        assert getattr(codecontext, name) is not None
    assert codecontext.Engine.__name__ == "Engine"
    assert codecontext.CodeContextError is errors.CodeContextError


def test_what_is_not_exported_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'codecontext' has no attribute 'Engines'"):
        _ = codecontext.Engines  # type: ignore[attr-defined]


def test_importing_it_imports_nothing_else() -> None:
    script = (
        "import sys; before = set(sys.modules); import codecontext\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(*sorted(new - set(sys.stdlib_module_names)))\n"
        "from codecontext import CodeContextError\n"
        "print('pydantic' in sys.modules, 'torch' in sys.modules, 'tantivy' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["codecontext", "False False False"]


def test_all_errors_have_one_base_a_code_of_their_own_and_a_place_in_the_tree() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert len(kinds) > 10
    assert all(issubclass(kind, codecontext.CodeContextError) for kind in kinds)
    assert len({kind.code for kind in kinds}) == len(kinds)
    assert errors.__doc__ is not None
    assert all(kind.__name__ in errors.__doc__ for kind in kinds)
