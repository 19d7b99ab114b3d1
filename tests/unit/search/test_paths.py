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
        ("_examples/todos/main.go", PathRole.EXAMPLE),
        ("_vendor/lib/x.py", PathRole.VENDORED),
        ("core/test_suite/run.py", PathRole.TEST),
        ("testsuite/run.c", PathRole.TEST),
        ("test-suite/run.c", PathRole.TEST),
        ("pkg/_test/run.go", PathRole.TEST),
        ("packages/integration-tests/run.ts", PathRole.TEST),
        ("Shop.Tests/Cart.cs", PathRole.TEST),
        ("app/src/androidTest/Cart.kt", PathRole.TEST),
        ("lib/spec_helper.rb", PathRole.TEST),
        ("lib/rails_helper.rb", PathRole.TEST),
        ("src/__mocks__/fs.js", PathRole.TEST),
        ("src/contests/vote.py", PathRole.SOURCE),
        ("src/latest/vote.py", PathRole.SOURCE),
        ("net/http/httptest/server.go", PathRole.SOURCE),
        ("app/ab_test/assign.py", PathRole.SOURCE),
        ("README.md", PathRole.DOCUMENTATION),
    ],
)
def test_path_role(path: str, role: PathRole) -> None:
    assert path_role(path) is role


def test_a_query_can_ask_for_a_role() -> None:
    assert asks_for(PathRole.TEST, frozenset({"csrf", "tests"}))
    assert not asks_for(PathRole.TEST, frozenset({"csrf", "token"}))
    assert not asks_for(PathRole.SOURCE, frozenset({"test"}))
