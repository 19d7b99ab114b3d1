"""The service's end of the connection: its event loop only passes messages on, threads do the work."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pydantic import BaseModel
from pygls.exceptions import JsonRpcException
from pygls.protocol import default_converter
from pygls.server import JsonRPCServer

from codecontext.core.errors import CodeContextError
from codecontext.rpc.messages import Method
from codecontext.rpc.transport import REQUEST_FAILED, EngineProtocol, error_data

logger = logging.getLogger(__name__)


class RequestServer(JsonRPCServer):
    """Answers requests whose parameters and results are pydantic models."""

    def __init__(self) -> None:
        super().__init__(EngineProtocol, default_converter)
        self._running = RunningRequests()

    def register(
        self, method: Method, model: type[BaseModel], call: Callable[[Any], Any], threads: ThreadPoolExecutor
    ) -> None:
        """Handle ``method`` with ``call``, in one of the threads."""

        @self.feature(method)
        async def handle(params: Any) -> Any:
            try:
                request = model.model_validate(params)
                result = await asyncio.get_running_loop().run_in_executor(threads, self._running.run, call, request)
            except CodeContextError as error:
                raise JsonRpcException(error.message, REQUEST_FAILED, error_data(error)) from error
            except Exception as error:
                logger.exception("%s failed.", method)
                raise JsonRpcException(f"{method} failed: {error}") from error
            return _plain(result)

    def register_at_once(self, method: Method, answer: Callable[[], BaseModel]) -> None:
        """Answer ``method`` on the event loop itself, without waiting for any thread."""

        @self.feature(method)
        async def handle(_params: Any) -> Any:
            return _plain(answer())

    def notify(self, method: Method, message: BaseModel) -> None:
        """Send a notification. May be called from any thread."""
        self.protocol.notify(method, _plain(message))

    def longest_seconds(self) -> float:
        """Age of the oldest request that a thread works on; 0 while there is none."""
        return self._running.longest_seconds()


class RunningRequests:
    """Knows how long the requests that threads work on have been running, for the check whether one hangs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._started: dict[int, float] = {}

    def run(self, call: Callable[[Any], Any], request: Any) -> Any:
        """``call`` with ``request``, in the calling thread."""
        thread = threading.get_ident()
        with self._lock:
            self._started[thread] = time.monotonic()
        try:
            return call(request)
        finally:
            with self._lock:
                del self._started[thread]

    def longest_seconds(self) -> float:
        """Age of the oldest of them; 0 while there is none."""
        with self._lock:
            return time.monotonic() - min(self._started.values()) if self._started else 0.0


def _plain(result: Any) -> Any:
    if isinstance(result, BaseModel):
        return result.model_dump(mode="json")
    if isinstance(result, list):
        return [_plain(item) for item in result]
    return result
