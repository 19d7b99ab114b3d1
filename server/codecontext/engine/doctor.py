"""Checks everything that indexing and searching need, and suggests a fix for each problem."""

from __future__ import annotations

import platform
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from codecontext import __version__
from codecontext.adapters import AdapterInfo, inspect_adapter
from codecontext.config import Settings, load_settings
from codecontext.core.errors import (
    AdapterError,
    CodeContextError,
    ConfigError,
    IndexCorrupt,
    ModelUnavailable,
    StoreError,
)
from codecontext.core.paths import codecontext_home, index_directory
from codecontext.embeddings.base import InstructionType
from codecontext.embeddings.huggingface import HuggingFaceEmbeddingProvider, HuggingFaceSettings
from codecontext.embeddings.huggingface.provider import require_peft
from codecontext.embeddings.model_files import (
    BUNDLED_NAMES,
    read_model_card,
    resolve_model,
    verify_bundled_model,
)
from codecontext.indexing.git import GitUnavailable, run_git
from codecontext.store.index_store import IndexStore

_PACKAGES = ("torch", "transformers", "tokenizers", "tantivy", "tree-sitter")
_OPTIONAL_PACKAGES = ("openvino", "peft")
_LITTLE_DISK = 2_000_000_000
_NO_DISK = 200_000_000
_SECONDS_FOR_GIT = 10.0
_SAMPLE = "where is the session token compared"


class CheckStatus(StrEnum):
    """How serious a finding is: an error prevents something that is configured, a warning may."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class Check(BaseModel):
    """One finding."""

    model_config = ConfigDict(frozen=True)

    name: str
    status: CheckStatus
    found: str = Field(description="What was found.")
    advice: str = Field("", description="What to do about it; empty when nothing needs to be done.")


class DoctorReport(BaseModel):
    """All findings, in the order of the checks."""

    model_config = ConfigDict(frozen=True)

    folder: str
    checks: list[Check]

    @property
    def has_errors(self) -> bool:
        """Whether any check found an error."""
        return any(check.status is CheckStatus.ERROR for check in self.checks)


_KEYWORD_ONLY = Check(
    name="embedding", status=CheckStatus.OK, found="keyword search only, as indexing.vectors is off; needs no model"
)


def examine(folder: Path) -> DoctorReport:
    """Run all checks for ``folder``. Loads the configured model; downloads and repairs nothing."""
    checks = [_check_versions(), _check_git(folder), _check_home()]
    if checks[-1].status is not CheckStatus.OK:  # without a home folder there are no settings and no index
        return DoctorReport(folder=str(folder), checks=checks)
    settings, settings_check = _check_settings(folder)
    checks += [_check_disk(), _check_index(folder), settings_check]
    if settings is not None:
        checks += _check_embeddings(settings.embeddings.huggingface) if settings.indexing.vectors else [_KEYWORD_ONLY]
    return DoctorReport(folder=str(folder), checks=checks)


def _check_versions() -> Check:
    required = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    optional = ", ".join(f"{name} {_version_if_installed(name)}" for name in _OPTIONAL_PACKAGES)
    return _ok("versions", f"codecontext {__version__}, Python {platform.python_version()}, {required}, {optional}")


def _version_if_installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed (optional)"


def _check_git(folder: Path) -> Check:
    try:
        answer = run_git(folder, "--version", seconds=_SECONDS_FOR_GIT)
    except GitUnavailable as reason:
        return _warning("git", str(reason), "Ignore files are read without it; install git for exact results.")
    return _ok("git", answer.stdout.decode("utf-8", "replace").strip())


def _check_home() -> Check:
    try:
        home = codecontext_home()
    except ConfigError as error:
        return _error("home", error)
    place = _nearest_existing(home)
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        unwritable = StoreError(
            f"{place} is not writable: {error.strerror}.",
            "Make it writable, or set CODECONTEXT_HOME to a folder that is.",
        )
        return _error("home", unwritable)
    return _ok("home", f"{home} is writable")


def _check_disk() -> Check:
    free = shutil.disk_usage(_nearest_existing(codecontext_home())).free
    found = f"{free / 1e9:.1f} GB free"
    if free >= _LITTLE_DISK:
        return _ok("disk", found)
    status = CheckStatus.WARNING if free >= _NO_DISK else CheckStatus.ERROR
    advice = "Free some space, or set CODECONTEXT_HOME to a folder on another disk."
    return Check(name="disk", status=status, found=found, advice=advice)


def _nearest_existing(path: Path) -> Path:
    return next(place for place in (path, *path.absolute().parents) if place.exists())


def _check_index(folder: Path) -> Check:
    store = IndexStore(index_directory(folder))
    if not store.has_index():
        old = "made by an earlier version" if store.is_outdated() else "none yet"
        return _ok("index", f"{old}; run 'codecontext index'")
    damaged = store.damaged()
    if damaged:
        unreadable = IndexCorrupt(
            f"cannot be read: {', '.join(damaged)} in {store.directory}.",
            "Run 'codecontext index': it sets what is damaged aside and rebuilds it.",
        )
        return _error("index", unreadable)
    return _ok("index", f"readable, in {store.directory}")


def _check_settings(folder: Path) -> tuple[Settings | None, Check]:
    try:
        loaded = load_settings(folder)
    except ConfigError as error:
        return None, _error("settings", error)
    if loaded.warnings:
        return loaded.settings, _warning("settings", " ".join(loaded.warnings), "See 'codecontext config show'.")
    return loaded.settings, _ok("settings", "valid")


def _check_embeddings(config: HuggingFaceSettings) -> Iterator[Check]:
    """Model and adapter as files, then both in use. Later checks do not repeat what an earlier one found."""
    model = _check_model(config)
    adapter, info = _check_adapter(config.lora_adapter_path)
    yield model
    yield adapter
    if model.status is CheckStatus.OK:
        yield _check_backend(config, info)


def _check_model(config: HuggingFaceSettings) -> Check:
    name = config.model_name
    try:
        card = read_model_card(name, resolve_model(name))
        if name.lower() in BUNDLED_NAMES:
            verify_bundled_model()
            return _ok("model", f"{name}, bundled, weights as published (sha256)")
    except ModelUnavailable as error:
        if config.allow_download:
            return _warning("model", error.message, "The first index or search downloads it.")
        return _error("model", error)
    return _ok("model", f"{name}, in {card.folder}")


def _check_adapter(path: str | None) -> tuple[Check, AdapterInfo | None]:
    """The finding, and the adapter if it can be loaded."""
    if path is None:
        return _ok("adapter", "none configured"), None
    try:
        require_peft(path)
        info = inspect_adapter(Path(path))
    except AdapterError as error:
        return _error("adapter", error), None
    return _ok("adapter", f"{info.name}, rank {info.rank}, {info.fingerprint[:12]}, in {path}"), info


def _check_backend(config: HuggingFaceSettings, adapter: AdapterInfo | None) -> Check:
    """Load the model, with the adapter, and embed a sentence."""
    started = time.perf_counter()
    try:
        with closing(HuggingFaceEmbeddingProvider(config)) as base:
            base.load_base()
            provider = base.beside(adapter)
            loaded = time.perf_counter()
            vector = provider.embed_text(_SAMPLE, InstructionType.NL2CODE_QUERY)
            embedded = time.perf_counter()
            name = provider.backend_name
    except CodeContextError as error:
        return _error("embedding", error)
    found = (
        f"{name}, {len(vector)}-dimensional vectors, loaded in {loaded - started:.1f} s, "
        f"a query in {(embedded - loaded) * 1000:.0f} ms"
    )
    return _ok("embedding", found)


def _ok(name: str, found: str) -> Check:
    return Check(name=name, status=CheckStatus.OK, found=found)


def _warning(name: str, found: str, advice: str) -> Check:
    return Check(name=name, status=CheckStatus.WARNING, found=found, advice=advice)


def _error(name: str, error: CodeContextError) -> Check:
    return Check(name=name, status=CheckStatus.ERROR, found=error.message, advice=error.hint)
