"""Which source decides, where each value came from, and what each kind of source can say."""

from __future__ import annotations

import os
import re
import sys
from itertools import combinations
from pathlib import Path

import pytest

from codecontext.config import Origin, Settings, describe_settings, load_settings, validate_file
from codecontext.config.sources import OriginKind
from codecontext.core.errors import ConfigError
from codecontext.embeddings.huggingface import HuggingFaceConfig

STRONGEST_FIRST: list[OriginKind] = ["editor", "environment", "project", "user", "default"]
LIMITS = {"editor": 11, "environment": 12, "project": 13, "user": 14, "default": 10}


def load_from(
    kinds: set[str], folder: Path, user_file: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[int, OriginKind]:
    """``search.limit`` where each of ``kinds`` gives its own."""
    if "environment" in kinds:
        monkeypatch.setenv("CODECONTEXT_SEARCH__LIMIT", str(LIMITS["environment"]))
    if "project" in kinds:
        (folder / ".codecontext.toml").write_text(f"search.limit = {LIMITS['project']}\n")
    if "user" in kinds:
        user_file.write_text(f"search:\n  limit: {LIMITS['user']}\n")
    editor = {"search": {"limit": LIMITS["editor"]}} if "editor" in kinds else None
    loaded = load_settings(folder, editor=editor)
    return loaded.settings.search.limit, loaded.origins["search.limit"].kind


@pytest.mark.parametrize(("stronger", "weaker"), list(combinations(STRONGEST_FIRST, 2)))
def test_the_stronger_of_two_sources_decides(
    stronger: OriginKind, weaker: OriginKind, folder: Path, user_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = load_from({stronger, weaker}, folder, user_file, monkeypatch)
    assert answer == (LIMITS[stronger], stronger)


def test_sources_complete_each_other_within_a_section(
    folder: Path, project_file: Path, user_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_file.write_text("embeddings:\n  huggingface:\n    device: cpu\n    threads: 2\n    max_tokens: 128\n")
    project_file.write_text("[embeddings.huggingface]\nthreads = 3\nmax_tokens = 256\n")
    monkeypatch.setenv("CODECONTEXT_EMBEDDINGS__HUGGINGFACE__MAX_TOKENS", "512")
    loaded = load_settings(folder)
    huggingface = loaded.settings.embeddings.huggingface
    assert (huggingface.device, huggingface.threads, huggingface.max_tokens) == ("cpu", 3, 512)
    assert {key: origin for key, origin in loaded.origins.items() if origin.kind != "default"} == {
        "embeddings.huggingface.device": Origin("user", str(user_file)),
        "embeddings.huggingface.threads": Origin("project", str(project_file)),
        "embeddings.huggingface.max_tokens": Origin("environment", "CODECONTEXT_EMBEDDINGS__HUGGINGFACE__MAX_TOKENS"),
    }


def test_without_any_source_all_values_are_defaults(folder: Path) -> None:
    loaded = load_settings(folder)
    assert loaded.settings == Settings()
    assert set(loaded.origins.values()) == {Origin("default")}
    assert loaded.warnings == []


def test_every_setting_has_an_origin_and_a_value(folder: Path) -> None:
    loaded = load_settings(folder)
    keys = [doc.key for doc in describe_settings()]
    assert list(loaded.origins) == list(loaded.values()) == keys
    assert loaded.values() == {doc.key: doc.default for doc in describe_settings()}


def test_without_a_folder_there_is_no_project_file(project_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project_file.write_text("search.limit = 13\n")
    monkeypatch.chdir(project_file.parent)
    assert load_settings(None).settings.search.limit == LIMITS["default"]


@pytest.mark.parametrize("content", ["", "# nothing yet\n", "indexing:\n# exclude: []\n", "{}\n"])
def test_a_user_file_that_says_nothing_changes_nothing(content: str, folder: Path, user_file: Path) -> None:
    user_file.write_text(content)
    assert load_settings(folder).settings == Settings()


def test_settings_of_two_loads_are_equal_if_their_values_are(folder: Path, project_file: Path) -> None:
    project_file.write_text("search.limit = 13\n")
    first = load_settings(folder).settings
    assert first == load_settings(folder).settings
    project_file.write_text("search.limit = 14\n")
    assert first != load_settings(folder).settings


def test_settings_made_directly_ask_no_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODECONTEXT_SEARCH__LIMIT", "12")
    assert Settings().search.limit == LIMITS["default"]


class TestEnvironment:
    @pytest.mark.parametrize(
        ("variable", "text", "key", "value"),
        [
            ("CODECONTEXT_INDEXING__RESPECT_GITIGNORE", "false", "indexing.respect_gitignore", False),
            ("CODECONTEXT_INDEXING__RESPECT_GITIGNORE", "1", "indexing.respect_gitignore", True),
            ("codecontext_indexing__respect_gitignore", "off", "indexing.respect_gitignore", False),
            ("CODECONTEXT_INDEXING__EXCLUDE", '["a/", "b.py"]', "indexing.exclude", ["a/", "b.py"]),
            ("CODECONTEXT_INDEXING__EXCLUDE", "[]", "indexing.exclude", []),
            ("CODECONTEXT_INDEXING", '{"exclude": ["a/"]}', "indexing.exclude", ["a/"]),
            ("CODECONTEXT_EMBEDDINGS__HUGGINGFACE__THREADS", "4", "embeddings.huggingface.threads", 4),
            ("CODECONTEXT_LOGGING__LEVEL", "debug", "logging.level", "debug"),
        ],
    )
    def test_values(
        self, variable: str, text: str, key: str, value: object, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(variable, text)
        loaded = load_settings(folder)
        assert loaded.values()[key] == value
        assert loaded.origins[key] == Origin("environment", variable)

    def test_null_unsets_what_a_file_set(self, folder: Path, user_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        user_file.write_text("embeddings: {huggingface: {threads: 2}}\n")
        monkeypatch.setenv("CODECONTEXT_EMBEDDINGS__HUGGINGFACE__THREADS", "null")
        assert load_settings(folder).settings.embeddings.huggingface.threads is None

    def test_an_empty_variable_counts_as_absent(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CODECONTEXT_SEARCH__LIMIT", "")
        monkeypatch.setenv("CODECONTEXT_NO_SUCH_THING", "")
        assert load_settings(folder).origins["search.limit"] == Origin("default")

    def test_a_variable_for_one_key_is_stronger_than_one_for_its_section(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CODECONTEXT_SEARCH", '{"limit": 20, "query_time_embeddings": 5}')
        monkeypatch.setenv("CODECONTEXT_SEARCH__LIMIT", "30")
        loaded = load_settings(folder)
        assert (loaded.settings.search.limit, loaded.settings.search.query_time_embeddings) == (30, 5)
        assert loaded.origins["search.limit"].where == "CODECONTEXT_SEARCH__LIMIT"
        assert loaded.origins["search.query_time_embeddings"].where == "CODECONTEXT_SEARCH"


class TestPaths:
    def test_a_relative_adapter_counts_from_the_file_that_names_it(
        self, folder: Path, project_file: Path, adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        project_file.write_text('embeddings.huggingface.lora_adapter_path = "adapters/house-style"\n')
        monkeypatch.chdir(tmp_path)
        assert load_settings(folder).settings.embeddings.huggingface.lora_adapter_path == str(adapter)

    def test_in_the_user_file_it_counts_from_there(self, folder: Path, home: Path, user_file: Path) -> None:
        (home / "adapters").mkdir()
        (home / "adapters" / "adapter_config.json").write_text("{}")
        user_file.write_text("embeddings: {huggingface: {lora_adapter_path: adapters}}\n")
        adapter = load_settings(folder).settings.embeddings.huggingface.lora_adapter_path
        assert adapter == str(home / "adapters")

    def test_from_the_editor_it_counts_from_the_folder(self, folder: Path, adapter: Path) -> None:
        editor = {"embeddings": {"huggingface": {"lora_adapter_path": "adapters/house-style"}}}
        loaded = load_settings(folder, editor=editor)
        assert loaded.settings.embeddings.huggingface.lora_adapter_path == str(adapter)
        assert editor == {"embeddings": {"huggingface": {"lora_adapter_path": "adapters/house-style"}}}

    def test_from_a_variable_it_counts_from_the_working_directory(
        self, folder: Path, adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CODECONTEXT_EMBEDDINGS__HUGGINGFACE__LORA_ADAPTER_PATH", adapter.name)
        monkeypatch.chdir(adapter.parent)
        loaded = load_settings(folder)
        monkeypatch.chdir(tmp_path)
        assert loaded.settings.embeddings.huggingface.lora_adapter_path == str(adapter)

    def test_a_tilde_is_the_home_folder(
        self, folder: Path, project_file: Path, adapter: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HOME", str(adapter.parent))
        monkeypatch.setenv("USERPROFILE", str(adapter.parent))
        project_file.write_text('embeddings.huggingface.lora_adapter_path = "~/house-style"\n')
        assert load_settings(folder).settings.embeddings.huggingface.lora_adapter_path == str(adapter)

    @pytest.mark.parametrize(
        ("path", "sentence"),
        [
            ("none", "LoRA adapter path does not exist: {path}"),
            ("a" * 3_000, "LoRA adapter path does not exist: {path}"),
            ("file", "LoRA adapter path must be a directory: {path}"),
            ("empty", "Invalid LoRA adapter: missing adapter_config.json in {path}"),
        ],
        ids=["missing", "too long", "file", "empty"],
    )
    def test_what_is_at_the_path_only_the_providers_config_checks(
        self, folder: Path, project_file: Path, path: str, sentence: str
    ) -> None:
        (folder / "file").touch()
        (folder / "empty").mkdir()
        project_file.write_text(f'embeddings.huggingface.lora_adapter_path = "{path}"\n')
        loaded = load_settings(folder)
        settings = loaded.settings.embeddings.huggingface
        assert settings.lora_adapter_path == str(folder / path)
        assert loaded.origins["embeddings.huggingface.lora_adapter_path"].where == str(project_file)
        assert loaded.warnings == []
        with pytest.raises(ValueError, match=re.escape(sentence.format(path=folder / path))):
            HuggingFaceConfig(**settings.model_dump())

    @pytest.mark.parametrize("name", ["all-MiniLM-L6-v2", "jinaai/jina-code-embeddings-0.5b"])
    def test_a_model_name_is_not_a_path(self, name: str, folder: Path, project_file: Path) -> None:
        project_file.write_text(f'embeddings.huggingface.model_name = "{name}"\n')
        assert load_settings(folder).settings.embeddings.huggingface.model_name == name

    def test_a_model_folder_with_a_dot_is_one(self, folder: Path, project_file: Path) -> None:
        project_file.write_text('embeddings.huggingface.model_name = "./models/ours"\n')
        model = load_settings(folder).settings.embeddings.huggingface.model_name
        assert Path(model) == folder / "models" / "ours"

    def test_an_adapter_can_be_unset(self, folder: Path, project_file: Path, user_file: Path) -> None:
        user_file.write_text("embeddings: {huggingface: {lora_adapter_path: nowhere}}\n")
        project_file.write_text('embeddings.huggingface.lora_adapter_path = ""\n')
        assert load_settings(folder).settings.embeddings.huggingface.lora_adapter_path is None


class TestUntrustedFolder:
    def test_the_project_file_cannot_choose_models_adapters_or_storage(
        self, folder: Path, project_file: Path, user_file: Path
    ) -> None:
        project_file.write_text(
            "indexing.exclude = ['data/']\n"
            "adapters.folders = ['evil']\n"
            "engine.leave_cores = 0\n"
            "[embeddings.huggingface]\n"
            "model_name = 'evil/model'\n"
            "lora_adapter_path = 'adapters/evil'\n"
        )
        user_file.write_text("embeddings: {huggingface: {model_name: good/model}}\n")
        loaded = load_settings(folder, trusted=False)
        assert loaded.settings.embeddings.huggingface.model_name == "good/model"
        assert loaded.origins["embeddings.huggingface.model_name"].kind == "user"
        assert loaded.settings.embeddings.huggingface.lora_adapter_path is None
        assert loaded.settings.adapters == Settings().adapters
        assert loaded.settings.engine == Settings().engine
        assert loaded.settings.indexing.exclude == ("data/",)
        assert loaded.warnings == [
            f"{project_file}: {key} is ignored because the folder is not trusted."
            for key in (
                "embeddings.huggingface.model_name",
                "embeddings.huggingface.lora_adapter_path",
                "adapters.folders",
                "engine.leave_cores",
            )
        ]

    @pytest.mark.parametrize("line", ["embeddings = 5", "embeddings.huggingface = []", "Embeddings.provider = 'x'"])
    def test_a_malformed_section_opens_nothing(self, line: str, folder: Path, project_file: Path) -> None:
        project_file.write_text(f"{line}\n")
        with pytest.raises(ConfigError):
            load_settings(folder, trusted=False)

    def test_the_users_own_sources_still_can(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CODECONTEXT_EMBEDDINGS__HUGGINGFACE__DEVICE", "cpu")
        loaded = load_settings(folder, editor={"storage": {"cache_mb": 99}}, trusted=False)
        assert (loaded.settings.embeddings.huggingface.device, loaded.settings.storage.cache_mb) == (
            "cpu",
            99,
        )
        assert loaded.warnings == []

    def test_what_is_loaded_or_stored_needs_trust(self) -> None:
        """New settings below these sections are restricted without anyone having to think of it."""
        restricted = {doc.key.partition(".")[0] for doc in describe_settings() if doc.trusted_only}
        open_to_all = {doc.key.partition(".")[0] for doc in describe_settings() if not doc.trusted_only}
        assert restricted == {"embeddings", "adapters", "search", "storage", "engine", "logging"}
        assert open_to_all == {"indexing", "chunking", "search"}


class TestWhatIsTheUsersAlone:
    """A project file that could spend the user's network or disk would do it on the first ``index`` after a clone."""

    def test_the_list_is_this_one(self) -> None:
        assert [doc.key for doc in describe_settings() if doc.user_only] == [
            "embeddings.huggingface.allow_download",
            "search.keep_log",
            "storage.cache_mb",
            "storage.index_mb",
            "engine.memory_mb",
        ]
        assert all(doc.trusted_only for doc in describe_settings() if doc.user_only)

    @pytest.mark.parametrize("trusted", [True, False])
    @pytest.mark.parametrize(
        "line",
        [
            "embeddings.huggingface.allow_download = true",
            "search.keep_log = true",
            "storage.cache_mb = 999999",
            "storage.index_mb = 1",
            "engine.memory_mb = 1",
        ],
    )
    def test_no_project_file_decides_it(self, line: str, trusted: bool, folder: Path, project_file: Path) -> None:
        project_file.write_text(f"{line}\nsearch.limit = 13\n")
        loaded = load_settings(folder, trusted=trusted)
        assert loaded.settings == load_settings(folder, editor={"search": {"limit": 13}}).settings
        key = line.partition(" ")[0]
        assert loaded.origins[key] == Origin("default")
        assert [warning.partition(" because ")[0] for warning in loaded.warnings] == [
            f"{project_file}: {key} is ignored"
        ]
        assert validate_file(project_file) == load_settings(folder).warnings

    def test_every_source_of_the_users_does(
        self, folder: Path, project_file: Path, user_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        project_file.write_text("embeddings.huggingface.allow_download = false\n")
        user_file.write_text("embeddings: {huggingface: {allow_download: true}}\n")
        assert load_settings(folder).settings.embeddings.huggingface.allow_download
        monkeypatch.setenv("CODECONTEXT_SEARCH__KEEP_LOG", "true")
        assert load_settings(folder).settings.search.keep_log
        assert (
            load_settings(folder, editor={"storage": {"cache_mb": 99}}, trusted=False).settings.storage.cache_mb == 99
        )

    @pytest.mark.parametrize("place", ["//evil.example/share/adapter", r"\\evil.example\share\adapter"])
    def test_no_project_file_names_a_place_on_the_network(self, place: str, folder: Path, project_file: Path) -> None:
        """On Windows a mere look at such a place sends the user's name and password hash to it."""
        project_file.write_text(f"adapters.folders = ['adapters', '{place}']\n")
        loaded = load_settings(folder)
        assert loaded.settings.adapters.folders == ()
        assert len(loaded.warnings) == 1


class TestFilesAsTheyCome:
    def test_a_byte_order_mark_is_no_part_of_the_settings(
        self, folder: Path, project_file: Path, user_file: Path
    ) -> None:
        project_file.write_bytes(b"\xef\xbb\xbf[search]\r\nlimit = 13\r\n")
        assert load_settings(folder).settings.search.limit == 13
        project_file.unlink()
        user_file.write_bytes(b"\xef\xbb\xbfsearch:\r\n  limit: 14\r\n")
        assert load_settings(folder).settings.search.limit == 14

    @pytest.mark.timeout(20)
    @pytest.mark.skipif(sys.platform == "win32", reason="no FIFOs and devices in the file system")
    @pytest.mark.parametrize("kind", ["fifo", "device", "folder", "huge"])
    def test_what_is_no_file_of_settings_is_said(
        self, kind: str, folder: Path, project_file: Path, user_file: Path
    ) -> None:
        for file in (project_file, user_file):
            match kind:
                case "fifo":
                    os.mkfifo(file)
                case "device":
                    file.symlink_to("/dev/zero")
                case "folder":
                    file.mkdir()
                case "huge":
                    with file.open("wb") as content:
                        content.truncate(5_000_000_000)
            with pytest.raises(ConfigError, match=f"^{file}: cannot be read: is ") as fault:
                load_settings(folder)
            assert "\n" not in str(fault.value)
            file.rmdir() if kind == "folder" else file.unlink()
