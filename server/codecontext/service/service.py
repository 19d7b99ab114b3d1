"""All folders of one service: which are open, and the searches that go to several of them."""

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
from codecontext.core.priority import lower_thread_priority
from codecontext.engine.folder_state import FolderState, Problem, ProblemKind
from codecontext.indexing.reader_pool import ReaderPool
from codecontext.rpc.messages import (
    Configure,
    FilesChanged,
    FolderSetup,
    FoundAdapter,
    Opened,
    Pause,
    Reindex,
    Search,
    Similar,
)
from codecontext.search.config import Retrieval
from codecontext.search.results import Hit, SearchResponse, SearchState
from codecontext.search.searcher import NO_INDEX
from codecontext.service.folder_session import FolderSession, is_folder
from codecontext.service.memory_bound import MemoryBound
from codecontext.service.models import Models
from codecontext.service.priority_gate import PriorityGate
from codecontext.service.resources import EngineResources
from codecontext.service.worker import Worker
from codecontext.store.records import SkippedFile
from codecontext.training.release.artifact import read_record

logger = logging.getLogger(__name__)

_POLL_SECONDS = 2.0
"""How often to check what another process wrote."""
_RETRY_SECONDS = 30.0
"""Before trying again to open a folder that exists and still could not be opened."""
_CLOSING_SECONDS = 5.0
NOT_INDEXED_YET = "Nothing in this folder is indexed yet; indexing is in progress."


@dataclass(slots=True)
class _Refused:
    """A folder that cannot be opened now."""

    setup: FolderSetup
    problem: Problem
    retry_at: float
    was_missing: bool

    @property
    def state(self) -> FolderState:
        return FolderState(folder=self.setup.folder, problems=(self.problem,), paused=self.setup.paused)


class EngineService:
    """Serves several folders. Methods may be called from any thread; only queries take time."""

    def __init__(self, on_change: Callable[[str], None], reader: ReaderPool | None = None) -> None:
        """``on_change`` is called from any thread with the name of a folder whose ``state`` may have changed."""
        self._folders: dict[str, FolderSession] = {}
        self._refused: dict[str, _Refused] = {}
        self._lock = threading.RLock()
        self._reader = reader or ReaderPool()
        self._resources = EngineResources(
            index_worker=Worker("index", self._job_ended),
            model_worker=Worker("models", self._job_ended),
            models=Models(),
            gate=PriorityGate(),
            memory=MemoryBound(),
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
        """Open or configure one folder. Whatever is wrong with it, the others are opened."""
        try:
            folder = self._folders.get(setup.folder)
            if folder is not None:
                folder.configure(setup)
            else:
                folder = FolderSession(setup, self._resources)
                self._folders[setup.folder] = folder
                folder.start()
        except CodeContextError as error:
            self._refuse(setup, error)
        except OSError as error:
            self._refuse(setup, CodeContextError(f"The folder {setup.folder} cannot be opened: {error}."))
        except Exception as error:
            unforeseen = CodeContextError(f"The folder cannot be opened: {error}.", "See the log for details.")
            if not self._is_refused_for(setup, unforeseen):
                logger.exception("The folder %s cannot be opened.", setup.folder)
            self._refuse(setup, unforeseen)
        else:
            if self._refused.pop(setup.folder, None) is not None:
                logger.info("The folder %s is open now.", setup.folder)
                self._resources.on_change(setup.folder)

    def _refuse(self, setup: FolderSetup, error: CodeContextError) -> None:
        """Report it and try again later: the folder may be about to be made, or mounted."""
        if not self._is_refused_for(setup, error):
            logger.error("%s: %s", setup.folder, error)
        half_open = self._folders.pop(setup.folder, None)
        self._refused[setup.folder] = _Refused(
            setup,
            Problem.of(ProblemKind.UNAVAILABLE, error),
            time.monotonic() + _RETRY_SECONDS,
            was_missing=not is_folder(Path(setup.folder)),
        )
        if half_open is not None:
            half_open.close()
        self._resources.on_change(setup.folder)

    def _is_refused_for(self, setup: FolderSetup, error: CodeContextError) -> bool:
        refused = self._refused.get(setup.folder)
        return refused is not None and refused.problem == Problem.of(ProblemKind.UNAVAILABLE, error)

    def state(self, name: str) -> FolderState | None:
        """What there is to say of a folder; None if it is not open."""
        with self._lock:
            folder, refused = self._folders.get(name), self._refused.get(name)
        if refused is not None:
            return refused.state
        return folder.state() if folder is not None else None

    def search(self, request: Search) -> SearchResponse:
        """Search all folders that the request names. Raises ``QueryError`` and ``ConfigError``."""
        retrieval = Retrieval.LEXICAL if request.lexical_only else Retrieval.HYBRID
        with self._resources.gate.query():
            folders, missing = self._chosen(request.folders)
            return self._gather(
                request.query,
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

    def similar(self, request: Similar) -> SearchResponse:
        """Code like that at a place, in its own folder. Raises ``QueryError`` and ``ConfigError``."""

        def find(folder: FolderSession) -> SearchResponse:
            if request.text.strip():
                return folder.engine.similar_to_text(
                    request.text, request.path, request.start_line, request.end_line, limit=request.limit
                )
            return folder.engine.similar(request.path, request.start_line, limit=request.limit)

        with self._resources.gate.query():
            place = f"{request.path}:{request.start_line}"
            return self._gather(place, [self._folder(request.folder)], find, request.limit)

    def adapters(self, name: str) -> list[FoundAdapter]:
        """Adapters in all places that the settings name, the user's home and the project among them."""
        folder = self._served(name)
        if folder is None:
            return []
        wanted = folder.settings.adapter
        places = adapter_places(folder.engine.folder, folder.settings.settings.adapters.folders)
        found = discover_adapters([*places, *([wanted, wanted.parent] if wanted else [])])
        current = folder.state().current_adapter_path
        active = Path(current).resolve() if current else None
        return [_found(name, adapter, active) for adapter in found]

    def skipped(self, name: str) -> list[SkippedFile]:
        """Files that are not in the index, and why."""
        folder = self._served(name)
        entries = folder.engine.store.skipped() if folder is not None else []
        return [SkippedFile(path=entry.path, reason=entry.reason, detail=entry.detail) for entry in entries]

    def opened(self, request: Opened) -> bool:
        """Log a query and the hit that was opened, if the user allows it; whether it was. Raises ``StoreError``."""
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
        """Rescan every file."""
        if (folder := self._served(request.folder, again=True)) is not None:
            folder.reindex(force=request.force)

    def pause(self, request: Pause) -> None:
        """Pause or resume background work for a folder."""
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
        """How long the running background job has made no progress; loading models, which takes time, aside."""
        return self._resources.index_worker.stalled_seconds()

    def close(self) -> None:
        """Stop all work at its next safe point."""
        self._closing.set()
        self._resources.index_worker.close()
        self._resources.model_worker.close()
        self._reader.close()
        self._poller.join(_CLOSING_SECONDS)  # it may be reading a disk that does not respond
        with self._lock:
            for folder in self._folders.values():
                folder.close()
            self._folders.clear()

    def _folder(self, name: str) -> FolderSession:
        """A folder that is open. Raises ``ConfigError`` that says why it is not."""
        with self._lock:
            folder, refused = self._folders.get(name), self._refused.get(name)
        if refused is not None:
            raise ConfigError(f"'{name}' cannot be opened. {refused.problem.message}", refused.problem.hint)
        if folder is None:
            raise ConfigError(f"'{name}' is not a folder of this workspace.", "Choose one of the open folders.")
        return folder

    def _served(self, name: str, *, again: bool = False) -> FolderSession | None:
        """A folder that a mutation is meant for; None where it cannot be opened now, as its state says.

        ``again``: try once more to open it first. Raises ``ConfigError`` for a folder of another workspace.
        """
        with self._lock:
            refused = self._refused.get(name)
            if refused is not None and again:
                self._serve(refused.setup)
                return None  # one that is open now is scanned anyway
        return self._folder(name) if refused is None else None

    def _chosen(self, names: Iterable[str]) -> tuple[list[FolderSession], dict[str, str]]:
        """Folders to search, and why others cannot be. Raises ``ConfigError`` if none of them is open."""
        with self._lock:
            wanted = list(names) or [*self._folders, *self._refused]
            chosen = [self._folders[name] for name in wanted if name in self._folders]
            missing = {name: str(self._refused[name].problem) for name in wanted if name in self._refused}
            unknown = [name for name in wanted if name not in self._folders and name not in self._refused]
        if unknown and not chosen and not missing:
            self._folder(unknown[0])
        not_open = dict.fromkeys(unknown, "The folder is not open yet, or no longer.")
        away = {folder.setup.folder: str(folder.missing) for folder in chosen if folder.missing}
        return chosen, missing | not_open | away

    def _gather(
        self,
        query: str,
        folders: list[FolderSession],
        find: Callable[[FolderSession], SearchResponse],
        limit: int | None,
        missing: Mapping[str, str] | None = None,
    ) -> SearchResponse:
        """The results of all folders in one; ``missing`` holds why others, or some of them, have none."""
        missing = missing or {}
        started = time.perf_counter()
        found, errors = _search_each(folders, find)
        reasons = {name: str(error) for name, error in errors.items()} | dict(missing)
        hits = [_in_folder(name, hit) for name, response in found.items() for hit in response.hits]
        most = limit or max((folder.engine.settings.search.limit for folder in folders), default=0)
        silent = [_why_nothing(folder, found) for folder in folders]
        messages = dict.fromkeys(filter(None, [*missing.values(), *silent]))
        return SearchResponse(
            query=query,
            # Scores are normalised within a folder, so the folders' hits are interleaved by how good they are there.
            hits=sorted(hits, key=lambda hit: -hit.score)[:most],
            states=[
                *(
                    response.state.model_copy(update={"folder": name})
                    for name, response in found.items()
                    if name not in reasons
                ),
                *(SearchState(folder=name, degraded=reason) for name, reason in reasons.items()),
            ],
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
        """Let each folder notice from time to time what no event reports."""
        lower_thread_priority()
        while not self._closing.wait(_POLL_SECONDS):
            with self._lock:
                folders, refused = list(self._folders.values()), list(self._refused.values())
            for folder in folders:
                try:
                    folder.poll()
                    if folder.leads_elsewhere():
                        self._open_again(folder)
                except Exception:  # an error in one folder must not end the poll of the others
                    logger.exception("%s cannot be checked.", folder.setup.folder)
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
        """Open a folder as soon as it is there; if that is not what was wrong, from time to time."""
        if time.monotonic() < refused.retry_at and not (refused.was_missing and is_folder(Path(refused.setup.folder))):
            return
        with self._lock:
            if self._refused.get(refused.setup.folder) is refused:
                self._serve(refused.setup)


def _search_each(
    folders: Iterable[FolderSession], find: Callable[[FolderSession], SearchResponse]
) -> tuple[dict[str, SearchResponse], dict[str, CodeContextError]]:
    """Responses, and errors of folders that the others can do without. Raises when every folder fails."""
    found: dict[str, SearchResponse] = {}
    errors: dict[str, CodeContextError] = {}
    for folder in folders:
        name = folder.setup.folder
        try:
            found[name] = _search_again_if_rebuilt(folder, find)
        except QueryError:  # the same for all
            raise
        except CodeContextError as error:
            logger.warning("%s cannot be searched: %s", name, error)
            errors[name] = error
        except Exception as error:
            logger.exception("%s cannot be searched.", name)
            errors[name] = CodeContextError(f"{name} cannot be searched: {type(error).__name__}: {error}.")
    if errors and not found:
        raise next(iter(errors.values()))
    return found, errors


def _search_again_if_rebuilt(folder: FolderSession, find: Callable[[FolderSession], SearchResponse]) -> SearchResponse:
    """A response; searched for a second time if the index was rebuilt during the first one."""
    try:
        return find(folder)
    except IndexCorrupt:
        folder.engine.refresh()
        return find(folder)


def _in_folder(name: str, hit: Hit) -> Hit:
    """A hit of the folder by the name that the client knows it by."""
    return hit.model_copy(update={"folder": name})


def _why_nothing(folder: FolderSession, found: Mapping[str, SearchResponse]) -> str:
    """What a folder without hits has to say; for one without an index, what its state says."""
    response = found.get(folder.setup.folder)
    if response is None or response.hits:
        return ""
    return (folder.state().message or NOT_INDEXED_YET) if response.message == NO_INDEX else response.message


def _found(folder: str, adapter: AdapterInfo | InvalidAdapter, active: Path | None) -> FoundAdapter:
    path = str(adapter.path)
    if isinstance(adapter, InvalidAdapter):
        return FoundAdapter(folder=folder, path=path, name=adapter.path.name, active=False, problem=adapter.reason)
    record = read_record(adapter.path)
    return FoundAdapter(
        folder=folder,
        path=path,
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
