"""Each fault is one sentence: the place, the key, the value, and what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from codecontext.config import load_settings, validate_file
from codecontext.core.errors import ConfigError


def complaint(folder: Path | None, editor: dict[str, object] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load_settings(folder, editor=editor)
    return str(caught.value)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            "indexing.exlude = ['a/']",
            'unknown setting indexing.exlude = ["a/"]; did you mean indexing.exclude?',
        ),
        ("embedings.provider = 'x'", "unknown setting embedings; did you mean embeddings?"),
        (
            "max_file_bytes = 5",
            "unknown setting max_file_bytes = 5; did you mean indexing.max_file_bytes?",
        ),
        ("zzz = 5", "unknown setting zzz = 5; `codecontext config show` lists all settings."),
        (
            "indexing.max_file_bytes = 'big'",
            ('indexing.max_file_bytes = "big" should be a valid integer, unable to parse string as an integer.'),
        ),
        (
            "indexing.max_file_bytes = 0",
            "indexing.max_file_bytes = 0 should be greater than or equal to 1.",
        ),
        (
            "indexing.respect_gitignore = 'maybe'",
            ('indexing.respect_gitignore = "maybe" should be a valid boolean, unable to interpret input.'),
        ),
        ("indexing.exclude = 'a/'", 'indexing.exclude = "a/" should be a list.'),
        ("indexing.exclude = ['a/', 5]", "indexing.exclude = 5 should be a valid string."),
        (
            "indexing.exclude = ['a\\/b']",
            (
                "indexing.exclude = [\"a\\\\/b\"]: 'a\\\\/b' is not a glob in gitignore syntax: "
                "it has a backslash before a slash"
            ),
        ),
        ("indexing = 5", "indexing = 5 should be a section that contains settings."),
        (
            "logging.level = 'loud'",
            "logging.level = \"loud\" should be 'debug', 'info', 'warning' or 'error'.",
        ),
        ("embeddings.provider = 'other'", "embeddings.provider = \"other\" should be 'huggingface'."),
        (
            "chunking.window_lines = 4",
            "chunking: window_overlap must be smaller than window_lines",
        ),
    ],
)
def test_faults_of_one_line(line: str, sentence: str, folder: Path, project_file: Path) -> None:
    project_file.write_text(line)
    assert complaint(folder) == f"{project_file}: {sentence}"


def test_long_values_are_cut(folder: Path, project_file: Path) -> None:
    project_file.write_text(f"logging.level = '{'x' * 1_000}'")
    assert len(complaint(folder)) < len(str(project_file)) + 200


class TestBrokenFiles:
    def test_toml(self, folder: Path, project_file: Path) -> None:
        project_file.write_text("[search]\nlimit 5\n")
        assert complaint(folder) == (
            f"{project_file}: broken TOML: Expected '=' after a key in a key/value pair (at line 2, column 7)."
        )

    def test_toml_with_a_key_twice(self, folder: Path, project_file: Path) -> None:
        project_file.write_text("search.limit = 5\nsearch.limit = 6\n")
        assert complaint(folder) == f"{project_file}: broken TOML: Cannot overwrite a value (at line 2, column 17)."

    def test_yaml(self, folder: Path, user_file: Path) -> None:
        user_file.write_text("search:\n  limit: [5\nlogging: x\n")
        assert complaint(folder) == (
            f"{user_file}: broken YAML: expected ',' or ']', but got ':' (at line 3, column 8)."
        )

    def test_yaml_with_a_character_it_forbids(self, folder: Path, user_file: Path) -> None:
        user_file.write_text("search: \0\n")
        assert complaint(folder).startswith(f"{user_file}: broken YAML: ")

    def test_yaml_cannot_make_objects(self, folder: Path, user_file: Path) -> None:
        user_file.write_text("search: !!python/object/apply:os.getcwd []\n")
        assert complaint(folder).startswith(f"{user_file}: broken YAML: could not determine a constructor")

    @pytest.mark.parametrize(("content", "kind"), [("- search\n", "list"), ("search\n", "str"), ("5\n", "int")])
    def test_yaml_that_is_not_a_mapping(self, content: str, kind: str, folder: Path, user_file: Path) -> None:
        user_file.write_text(content)
        assert complaint(folder) == (
            f"{user_file}: should contain sections such as `indexing:` with settings, not a {kind}."
        )

    def test_yaml_with_a_key_twice(self, folder: Path, user_file: Path) -> None:
        user_file.write_text("search:\n  limit: 5\nlogging: {}\nsearch:\n  limit: 6\n")
        assert complaint(folder) == f"{user_file}: search is set again in line 4; keep one of them."

    def test_yaml_with_a_key_twice_further_down(self, folder: Path, user_file: Path) -> None:
        user_file.write_text("search:\n  limit: 5\n  limit: 6\n")
        assert complaint(folder) == f"{user_file}: limit is set again in line 3; keep one of them."

    def test_yaml_with_a_key_that_is_no_text(self, folder: Path, user_file: Path) -> None:
        user_file.write_text("search:\n  5: 5\n")
        assert complaint(folder) == f"{user_file}: search.5 is not the name of a setting; names must be text."

    @pytest.mark.parametrize("name", ["project_file", "user_file"])
    def test_not_utf8(self, name: str, folder: Path, request: pytest.FixtureRequest) -> None:
        file: Path = request.getfixturevalue(name)
        file.write_bytes(b"# caf\xe9\n")
        assert complaint(folder) == f"{file}: is not UTF-8 text: byte 0xe9 at offset 5."


class TestEnvironment:
    def test_unknown_variable(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CODECONTEXT_SERCH__LIMIT", "5")
        assert complaint(folder) == ("CODECONTEXT_SERCH__LIMIT: unknown setting serch; did you mean search?")

    def test_unknown_variable_in_a_section(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CODECONTEXT_SEARCH__LIMITS", "5")
        assert complaint(folder) == (
            'CODECONTEXT_SEARCH__LIMITS: unknown setting search.limits = "5"; did you mean search.limit?'
        )

    def test_wrong_type(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CODECONTEXT_SEARCH__LIMIT", "many")
        assert complaint(folder) == (
            'CODECONTEXT_SEARCH__LIMIT: search.limit = "many" should be a valid integer, '
            "unable to parse string as an integer."
        )

    def test_a_list_that_is_not_json(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CODECONTEXT_INDEXING__EXCLUDE", "a/,b/")
        assert complaint(folder) == (
            'CODECONTEXT_INDEXING__EXCLUDE: indexing.exclude = "a/,b/" should be a list in JSON, '
            'such as ["one", "two"].'
        )

    def test_a_section_that_is_not_json(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CODECONTEXT_SEARCH", "many")
        assert complaint(folder) == ('CODECONTEXT_SEARCH: search = "many" should be a section that contains settings.')


def test_editor(folder: Path) -> None:
    assert complaint(folder, {"search": {"limit": -1}}) == (
        "editor settings: search.limit = -1 should be greater than or equal to 1."
    )


def test_faults_of_all_sources_are_listed_a_line_each(
    folder: Path, project_file: Path, user_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODECONTEXT_SEARCH__LIMIT", "many")
    project_file.write_text("indexing.exlude = ['a/']\nlogging.level = 'loud'\n")
    user_file.write_text("search:\n  limits: 5\n")
    lines = complaint(folder).splitlines()
    assert sorted(line.partition(": ")[0] for line in lines) == sorted(
        ["CODECONTEXT_SEARCH__LIMIT", str(project_file), str(project_file), str(user_file)]
    )


def test_a_fault_that_a_stronger_source_covers_does_not_count(
    folder: Path, project_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project_file.write_text("logging.level = 'loud'\n")
    monkeypatch.setenv("CODECONTEXT_LOGGING__LEVEL", "error")
    assert load_settings(folder).settings.logging.level == "error"


class TestValidateFile:
    @pytest.mark.parametrize(
        ("name", "content"),
        [("settings.toml", "search.limit = 5"), ("c.yaml", "search: {limit: 5}"), ("c.yml", "")],
    )
    def test_good(self, name: str, content: str, tmp_path: Path) -> None:
        (tmp_path / name).write_text(content)
        validate_file(tmp_path / name)

    @pytest.mark.parametrize(
        ("name", "content"), [("settings.toml", "search.limit = 0"), ("c.yaml", "search: {limit: 0}")]
    )
    def test_bad(self, name: str, content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CODECONTEXT_SEARCH__LIMIT", "5")  # covers the fault, but not up to this
        (tmp_path / name).write_text(content)
        with pytest.raises(ConfigError) as caught:
            validate_file(tmp_path / name)
        assert caught.value.message == (f"{tmp_path / name}: search.limit = 0 should be greater than or equal to 1.")

    def test_missing(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"none\.toml: this settings file does not exist\."):
            validate_file(tmp_path / "none.toml")

    def test_other_formats(self, tmp_path: Path) -> None:
        (tmp_path / "settings.json").write_text("{}")
        with pytest.raises(ConfigError, match=r'settings files end in \.toml or \.yaml, not "\.json"\.'):
            validate_file(tmp_path / "settings.json")
