"""All folders of one engine process: who they are, and the questions that go to several of them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from codecontext.adapters import AdapterInfo, InvalidAdapter, discover_adapters
from codecontext.adapters.places import adapter_places
from codecontext.core.errors import CodeContextError, ConfigError, IndexCorrupt, QueryError
from codecontext.indexing.reader_process import ReaderProcess
from codecontext.rpc.messages import (
    Answer,
    Configure,
    FilesChanged,
    FolderHit,
    FolderReport,
    FolderSetup,
    FoundAdapter,
    Health,
    Opened,
    Pause,
    Reindex,
    Search,
    Similar,
    SkippedPath,
)
from codecontext.search.config import Retrieval
from codecontext.search.results import SearchResponse, SearchState
from codecontext.search.searcher import NO_INDEX
from codecontext.service.folder_session import FolderSession, is_folder
from codecontext.service.models import Models
from codecontext.service.priority_gate import PriorityGate
from codecontext.service.resources import EngineResources
from codecontext.service.worker import Worker
from codecontext.store.manifest import read_manifest
from codecontext.training.release.artifact import read_record

logger = logging.getLogger(__name__)

_POLL_SECONDS = 2.0
"""How often the index is looked at for what another process wrote."""
_RETRY_SECONDS = 30.0
"""How long to wait before trying again to serve a folder that is there and still could not be served."""
_CLOSING_SECONDS = 5.0
NOT_READ_YET = "Nothing of this folder is indexed yet; indexing goes on in the background."


@dataclass(slots=True)
class _Refused:
    """A folder that cannot be served now."""

    setup: FolderSetup
    reason: str
    retry_at: float
    was_missing: bool

    @property
    def report(self) -> FolderReport:
        return FolderReport(
            folder=self.setup.folder, health=Health.ERROR, message=self.reason, paused=self.setup.paused
        )


class EngineService:
    """Serves several folders. Methods may be called from any thread; only questions take time."""

    def __init__(self, on_change: Callable[[str], None], reader: ReaderProcess | None = None) -> None:
        """``on_change`` is called from any thread with the name of a folder whose ``report`` may be another now."""
        self._folders: dict[str, FolderSession] = {}
        self._refused: dict[str, _Refused] = {}
        self._lock = threading.RLock()
        self._reader = reader or ReaderProcess()
        self._resources = EngineResources(
            index_worker=Worker("index", self._job_ended),
            model_worker=Worker("models", self._job_ended),
            models=Models(),
            gate=PriorityGate(),
            reader=self._reader,
            on_change=on_change,
        )
        self._closing = threading.Event()
        self._poller = threading.Thread(target=self._poll, name="poll", daemon=True)
        self._poller.start()

    def configure(self, request: Configure) -> None:
        """Serve exactly these folders."""
        wanted = {setup.folder: setup for setup in request.folders}
        with self._lock:
            self._refused.clear()
            gone = [self._folders.pop(name) for name in self._folders.keys() - wanted.keys()]
            for setup in wanted.values():
                self._serve(setup)
        for folder in gone:
            folder.close()

    def _serve(self, setup: FolderSetup) -> None:
        """Open or configure one folder. Whatever is wrong with it, the others are served."""
        try:
            folder = self._folders.get(setup.folder)
            if folder is not None:
                folder.configure(setup)
            else:
                folder = FolderSession(setup, self._resources)
                self._folders[setup.folder] = folder
                folder.start()
        except CodeContextError as error:
            self._refuse(setup, str(error))
        except OSError as error:
            self._refuse(setup, f"The folder {setup.folder} cannot be served: {error}.")
        except Exception as error:
            if not self._is_refused_for(setup, reason := f"The folder cannot be served: {error}. The log says more."):
                logger.exception("The folder %s cannot be served.", setup.folder)
            self._refuse(setup, reason)
        else:
            if self._refused.pop(setup.folder, None) is not None:
                logger.info("The folder %s is served now.", setup.folder)
                self._resources.on_change(setup.folder)

    def _refuse(self, setup: FolderSetup, reason: str) -> None:
        """Say so, and try again later: it may be about to be made, or mounted."""
        if not self._is_refused_for(setup, reason):
            logger.error("%s: %s", setup.folder, reason)
        half_open = self._folders.pop(setup.folder, None)
        self._refused[setup.folder] = _Refused(
            setup, reason, time.monotonic() + _RETRY_SECONDS, was_missing=not is_folder(Path(setup.folder))
        )
        if half_open is not None:
            half_open.close()
        self._resources.on_change(setup.folder)

    def _is_refused_for(self, setup: FolderSetup, reason: str) -> bool:
        refused = self._refused.get(setup.folder)
        return refused is not None and refused.reason == reason

    def report(self, name: str) -> FolderReport | None:
        """What there is to say of a folder; None if it is not served."""
        with self._lock:
            folder, refused = self._folders.get(name), self._refused.get(name)
        if refused is not None:
            return refused.report
        return folder.report() if folder is not None else None

    def search(self, request: Search) -> Answer:
        """Ask all folders that the request names. Raises ``QueryError`` and ``ConfigError``."""
        retrieval = Retrieval.LEXICAL if request.lexical_only else Retrieval.HYBRID
        with self._resources.gate.question():
            folders, missing = self._chosen(request.folders)
            return self._answer(
                folders,
                lambda folder: folder.engine.search(
                    request.query,
                    limit=request.limit,
                    languages=request.languages,
                    paths=request.paths,
                    kinds=request.kinds,
                    retrieval=retrieval,
                ),
                request.limit,
                missing,
            )

    def similar(self, request: Similar) -> Answer:
        """Code like that at a place, in its own folder. Raises ``QueryError`` and ``ConfigError``."""

        def ask(folder: FolderSession) -> SearchResponse:
            if request.text.strip():
                return folder.engine.similar_to_text(
                    request.text, request.path, request.start_line, request.end_line, limit=request.limit
                )
            return folder.engine.similar(request.path, request.start_line, limit=request.limit)

        with self._resources.gate.question():
            return self._answer([self._folder(request.folder)], ask, request.limit)

    def adapters(self, name: str) -> list[FoundAdapter]:
        """Adapters in all places that the settings name, the user's home and the project among them."""
        folder = self._served(name)
        if folder is None:
            return []
        wanted = folder.settings.adapter
        places = adapter_places(folder.engine.folder, folder.settings.settings.adapters.folders)
        found = discover_adapters([*places, *([wanted, wanted.parent] if wanted else [])])
        report = folder.report()
        active = Path(report.current_adapter_path).resolve() if report.current_adapter_path else None
        return [_found(adapter, active) for adapter in found]

    def skipped(self, name: str) -> list[SkippedPath]:
        """Files that are not in the index, and why."""
        folder = self._served(name)
        manifest = read_manifest(folder.engine.store.directory) if folder is not None else None
        return [SkippedPath(**item.model_dump()) for item in manifest.skipped] if manifest else []

    def opened(self, request: Opened) -> bool:
        """Keep what was asked and opened, if the folder's user wants that; whether it was. Raises ``StoreError``."""
        engine = self._folder(request.folder).engine
        return engine.record_opened(request.query, request.path, request.start_line, request.end_line)

    def reload_adapter(self, name: str) -> None:
        """Read the settings of a folder and the adapter's files again."""
        if (folder := self._served(name, again=True)) is not None:
            folder.reload_settings()
            folder.adapter_touched()

    def adapter_touched(self, name: str) -> None:
        """The files of a folder's adapter may have changed."""
        if (folder := self._served(name)) is not None:
            folder.adapter_touched()

    def reindex(self, request: Reindex) -> None:
        """Look at every file again."""
        if (folder := self._served(request.folder, again=True)) is not None:
            folder.reindex(force=request.force)

    def pause(self, request: Pause) -> None:
        """Stop working in the background for a folder, or go on."""
        with self._lock:
            folder, refused = self._folders.get(request.folder), self._refused.get(request.folder)
            if folder is None and refused is not None:
                refused.setup = refused.setup.model_copy(update={"paused": request.paused})
                self._resources.on_change(request.folder)
                return
        self._folder(request.folder).pause(request.paused)

    def files_changed(self, request: FilesChanged) -> None:
        """Files may have changed."""
        if (folder := self._served(request.folder, again=request.everything)) is not None:
            folder.files_changed(request.paths, everything=request.everything)

    def stalled_seconds(self) -> float:
        """How long the background job that runs has not got on; loading models, which takes its time, aside."""
        return self._resources.index_worker.stalled_seconds()

    def close(self) -> None:
        """Stop all work at its next safe point."""
        self._closing.set()
        self._resources.index_worker.close()
        self._resources.model_worker.close()
        self._reader.close()
        self._poller.join(_CLOSING_SECONDS)  # it may be looking at a disk that does not answer
        with self._lock:
            for folder in self._folders.values():
                folder.close()
            self._folders.clear()

    def _folder(self, name: str) -> FolderSession:
        """A folder that is served. Raises ``ConfigError`` that says why it is not."""
        with self._lock:
            folder, refused = self._folders.get(name), self._refused.get(name)
        if refused is not None:
            raise ConfigError(f"'{name}' cannot be served. {refused.reason}")
        if folder is None:
            raise ConfigError(f"'{name}' is not a folder of this workspace.", "Name one that is open.")
        return folder

    def _served(self, name: str, *, again: bool = False) -> FolderSession | None:
        """A folder to which something is to be done; None where that cannot be now, as its report says.

        ``again``: try once more to serve it before. Raises ``ConfigError`` for a folder that is not open.
        """
        with self._lock:
            refused = self._refused.get(name)
            if refused is not None and again:
                self._serve(refused.setup)
                return None  # one that is served now looks at everything anyway
        return self._folder(name) if refused is None else None

    def _chosen(self, names: Iterable[str]) -> tuple[list[FolderSession], dict[str, str]]:
        """Folders that can be asked, and why the others cannot. Raises ``ConfigError`` if none of them is open."""
        with self._lock:
            asked = list(names) or [*self._folders, *self._refused]
            chosen = [self._folders[name] for name in asked if name in self._folders]
            missing = {name: self._refused[name].reason for name in asked if name in self._refused}
            unknown = [name for name in asked if name not in self._folders and name not in self._refused]
        if unknown and not chosen and not missing:
            self._folder(unknown[0])
        not_yet = dict.fromkeys(unknown, "The folder is not served yet, or no longer.")
        return chosen, missing | not_yet | {folder.setup.folder: folder.missing for folder in chosen if folder.missing}

    def _answer(
        self,
        folders: list[FolderSession],
        ask: Callable[[FolderSession], SearchResponse],
        limit: int | None,
        missing: Mapping[str, str] | None = None,
    ) -> Answer:
        """What the folders say; ``missing`` holds why others, or some of them, have nothing to say."""
        missing = missing or {}
        started = time.perf_counter()
        answers, faults = _ask_each(folders, ask)
        hits = [FolderHit(folder=name, hit=hit) for name, answer in answers.items() for hit in answer.hits]
        most = limit or max((folder.engine.settings.search.limit for folder in folders), default=0)
        silent = [_in_an_editor(answer.message) for answer in answers.values() if not answer.hits]
        messages = dict.fromkeys([*missing.values(), *silent])
        return Answer(
            # Scores are normalised within a folder, so the folders' hits are interleaved by how good they are there.
            hits=tuple(sorted(hits, key=lambda item: -item.hit.score)[:most]),
            states={name: answer.state for name, answer in answers.items()}
            | {name: SearchState(space="", degraded=str(fault)) for name, fault in faults.items()}
            | {name: SearchState(space="", degraded=reason) for name, reason in missing.items()},
            message="" if hits else " ".join(messages),
            milliseconds=round((time.perf_counter() - started) * 1000, 2),
        )

    def _job_ended(self, key: Hashable) -> None:
        name = key[0] if isinstance(key, tuple) else None
        with self._lock:
            folder = self._folders.get(str(name))
        if folder is not None:
            folder.publish()

    def _poll(self) -> None:
        """Let questions see what another process writes, and look from time to time for what no event told."""
        while not self._closing.wait(_POLL_SECONDS):
            with self._lock:
                folders, refused = list(self._folders.values()), list(self._refused.values())
            for folder in folders:
                try:
                    folder.look_after()
                    if folder.leads_elsewhere():
                        self._open_again(folder)
                except Exception:  # one folder's fault must not end the poll of the others
                    logger.exception("%s cannot be looked after.", folder.setup.folder)
            for each in refused:
                self._try_again(each)

    def _open_again(self, folder: FolderSession) -> None:
        """A link on the way to the folder was pointed elsewhere: another folder has another index."""
        with self._lock:
            if self._folders.get(folder.setup.folder) is not folder:
                return
            del self._folders[folder.setup.folder]
            folder.close()  # before the other one has jobs, which go by the same name
            self._serve(folder.setup)

    def _try_again(self, refused: _Refused) -> None:
        """Serve a folder as soon as it is there; if that is not what was wrong, from time to time."""
        if time.monotonic() < refused.retry_at and not (refused.was_missing and is_folder(Path(refused.setup.folder))):
            return
        with self._lock:
            if self._refused.get(refused.setup.folder) is refused:
                self._serve(refused.setup)


def _ask_each(
    folders: Iterable[FolderSession], ask: Callable[[FolderSession], SearchResponse]
) -> tuple[dict[str, SearchResponse], dict[str, CodeContextError]]:
    """Answers, and faults of folders that others can answer without. Raises when nobody can answer."""
    answers: dict[str, SearchResponse] = {}
    faults: dict[str, CodeContextError] = {}
    for folder in folders:
        name = folder.setup.folder
        try:
            answers[name] = _ask_again(folder, ask)
        except QueryError:  # the same for all
            raise
        except CodeContextError as fault:
            logger.warning("%s cannot answer: %s", name, fault)
            faults[name] = fault
        except Exception as error:
            logger.exception("%s cannot answer.", name)
            faults[name] = CodeContextError(f"{name} cannot answer: {type(error).__name__}: {error}.")
    if faults and not answers:
        raise next(iter(faults.values()))
    return answers, faults


def _ask_again(folder: FolderSession, ask: Callable[[FolderSession], SearchResponse]) -> SearchResponse:
    """An answer; asked for a second time if the index was begun anew under the first one."""
    try:
        return ask(folder)
    except IndexCorrupt:
        folder.engine.refresh()
        return ask(folder)


def _in_an_editor(message: str) -> str:
    return NOT_READ_YET if message == NO_INDEX else message


def _found(adapter: AdapterInfo | InvalidAdapter, active: Path | None) -> FoundAdapter:
    if isinstance(adapter, InvalidAdapter):
        return FoundAdapter(path=str(adapter.path), name=adapter.path.name, active=False, problem=adapter.reason)
    record = read_record(adapter.path)
    return FoundAdapter(
        path=str(adapter.path),
        name=adapter.name,
        active=adapter.path.resolve() == active,
        fingerprint=adapter.fingerprint,
        rank=adapter.rank,
        alpha=adapter.alpha,
        side=adapter.side.value,
        base_model=adapter.base_model,
        size_bytes=adapter.size_bytes,
        created=record.created if record else "",
        search_gain=record.search_gain.mean if record and record.search_gain else None,
    )
