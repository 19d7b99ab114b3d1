"""Roles of files by their paths."""

from __future__ import annotations

import pytest

from codecontext.search.paths import PathRole, asks_for, path_role


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("django/middleware/csrf.py", PathRole.SOURCE),
        ("tests/csrf_tests/tests.py", PathRole.TEST),
        ("pkg/server_test.go", PathRole.TEST),
        ("src/app.spec.ts", PathRole.TEST),
        ("src/FooTest.java", PathRole.TEST),
        ("src/latest.py", PathRole.SOURCE),
        ("src/contest.py", PathRole.SOURCE),
        ("vendor/lib/x.go", PathRole.VENDORED),
        ("vendor/lib/tests/x.go", PathRole.VENDORED),
        ("examples/basic.rs", PathRole.EXAMPLE),
        ("docs/intro.md", PathRole.DOCUMENTATION),
        ("README.md", PathRole.DOCUMENTATION),
    ],
)
def test_path_role(path: str, role: PathRole) -> None:
    assert path_role(path) is role


def test_a_query_can_ask_for_a_role() -> None:
    assert asks_for(PathRole.TEST, frozenset({"csrf", "tests"}))
    assert not asks_for(PathRole.TEST, frozenset({"csrf", "token"}))
    assert not asks_for(PathRole.SOURCE, frozenset({"test"}))
