"""Converts a model in a process of its own, since torch, once imported, takes memory until a process ends.

One request goes to the child's stdin, which is then kept open; one reply comes from its stdout. What the child makes
is left below the CodeContext home, where the parent finds it. ``conversion_worker`` is what the child runs.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from enum import StrEnum
from pathlib import Path
from typing import IO, cast

from pydantic import BaseModel, ConfigDict

from codecontext.adapters import AdapterInfo
from codecontext.core import CancelToken
from codecontext.core.errors import AdapterError, CodeContextError, ConfigError, ModelUnavailable
from codecontext.embeddings.model_files import ModelCard
from codecontext.embeddings.openvino.conversion import ConversionRejected

logger = logging.getLogger(__name__)

_WORKER_MODULE = "codecontext.embeddings.openvino.conversion_worker"

# How often to check whether the child has ended or was cancelled.
_LOOK_SECONDS = 0.05
LONGEST_SECONDS = 3600.0
"""After which a child that hangs is killed; models with billions of parameters take minutes."""
_LAST_WORDS_BYTES = 2000

CROSSING_ERRORS: dict[str, type[CodeContextError]] = {
    kind.code: kind for kind in (AdapterError, ConfigError, ModelUnavailable)
}
"""Errors that the child passes on unchanged."""


class ConversionCrashed(Exception):
    """The subprocess ended without a result for model and adapter; the message says how."""


class ConversionRequest(BaseModel):
    """What the child is to convert."""

    model_config = ConfigDict(extra="forbid")

    name: str
    folder: Path
    """The model's folder as it was resolved; the child downloads nothing."""
    max_tokens: int
    threads: int | None
    batch_tokens: int
    adapter: Path | None = None


class Outcome(StrEnum):
    """How a conversion ended."""

    STORED = "stored"
    NOT_STORED = "not stored"
    REJECTED = "rejected"
    NO_MEMORY = "no memory"
    ERROR = "error"


class ConversionReply(BaseModel):
    """The child's result; ``message``, ``hint`` and ``code`` are those of the error, if there was one."""

    outcome: Outcome
    message: str = ""
    hint: str = ""
    code: str = ""


class ConversionSubprocess:
    """Converts one base model and its adapters, and remembers what failed, so that nothing is tried twice."""

    def __init__(self, card: ModelCard, *, max_tokens: int, threads: int | None, batch_tokens: int) -> None:
        self._card = card
        self._request = ConversionRequest(
            name=card.name,
            folder=card.root,
            max_tokens=max_tokens,
            threads=threads,
            batch_tokens=batch_tokens,
        )
        self._failures: dict[str, ConversionCrashed | ConversionRejected] = {}

    def has_failed(self, adapter: AdapterInfo | None) -> bool:
        """Whether ``convert`` has failed for it before."""
        return _content(adapter) in self._failures

    def convert(self, adapter: AdapterInfo | None, cancel: CancelToken | None) -> None:
        """Store the conversion of the base model, or of it with ``adapter``, and a copy of the tokenizer.

        Raises ``ConversionRejected``, ``AdapterError`` and ``ModelUnavailable`` as the conversion does, the latter
        two also when memory ran out; ``OperationCancelled``, and ``ConversionCrashed`` for everything else.
        """
        content = _content(adapter)
        if content in self._failures:
            raise self._failures[content]
        request = self._request.model_copy(update={"adapter": adapter.path if adapter else None})
        try:
            self._judge(_run(request, cancel), adapter)
        except (ConversionCrashed, ConversionRejected) as failure:
            self._failures[content] = failure
            raise

    def _judge(self, reply: ConversionReply, adapter: AdapterInfo | None) -> None:
        match reply.outcome:
            case Outcome.STORED:
                return
            case Outcome.REJECTED:
                raise ConversionRejected(reply.message)
            case Outcome.NOT_STORED:
                raise ConversionCrashed("The subprocess that converts the model cannot store the result.")
            case Outcome.NO_MEMORY:
                kind = AdapterError if adapter else ModelUnavailable
                what = f"the adapter {adapter.path}" if adapter else f"the model {self._card.name}"
                raise kind(
                    f"There was not enough memory to prepare {what} for OpenVINO: {reply.message}.",
                    "Close other programs, then try again.",
                )
            case Outcome.ERROR:
                raise CROSSING_ERRORS[reply.code](reply.message, reply.hint)


def _content(adapter: AdapterInfo | None) -> str:
    return adapter.fingerprint if adapter else ""


def _run(request: ConversionRequest, cancel: CancelToken | None) -> ConversionReply:
    """The reply of a child that was given ``request``."""
    # -P: a file of the user's working directory must not be taken for a module.
    command = [sys.executable, "-P", "-m", _WORKER_MODULE]
    # Files, not pipes: whatever the child writes, it never waits for a reader.
    with tempfile.TemporaryFile() as replies, tempfile.TemporaryFile() as words:
        try:
            child = subprocess.Popen(
                command,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=replies,
                stderr=words,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise ConversionCrashed(f"The subprocess that converts the model cannot start: {error}.") from error
        with child:
            try:
                _send(child, request)
                if not _wait(child, cancel):  # nor would it in this process
                    took = f"converting it took longer than {LONGEST_SECONDS:.0f} seconds"
                    return ConversionReply(outcome=Outcome.REJECTED, message=took)
            finally:
                child.kill()
        replies.seek(0)
        reply = replies.read()
        if child.returncode == 0 and reply:
            return ConversionReply.model_validate_json(reply)
        if child.returncode < 0:
            return _killed_by(-child.returncode)
        raise ConversionCrashed(
            f"The subprocess that converts the model exited with status {child.returncode}{_last_words(words)}."
        )


def _killed_by(number: int) -> ConversionReply:
    """What it means when a signal kills the child."""
    name = signal.Signals(number).name
    if name == "SIGKILL":  # only the system kills it, when memory runs out
        return ConversionReply(outcome=Outcome.NO_MEMORY, message="the system killed the subprocess")
    # What crashed the child would crash this process, too.
    return ConversionReply(outcome=Outcome.REJECTED, message=f"converting it crashes the process ({name})")


def _send(child: subprocess.Popen[bytes], request: ConversionRequest) -> None:
    try:
        cast("IO[bytes]", child.stdin).write(request.model_dump_json().encode() + b"\n")
    except OSError:  # it never waits: a pipe takes more than the few names in a request
        logger.debug("The subprocess that converts the model reads no input.")  # how it ended tells more


def _wait(child: subprocess.Popen[bytes], cancel: CancelToken | None) -> bool:
    """Whether the child ended in time. Raises ``OperationCancelled``."""
    end = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < end:
        try:
            child.wait(_LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            if cancel is not None:
                cancel.check()
        else:
            return True
    return False


def _last_words(words: IO[bytes]) -> str:
    """The last line of the child's stderr."""
    size = words.seek(0, os.SEEK_END)
    words.seek(max(0, size - _LAST_WORDS_BYTES))
    lines = words.read().decode(errors="replace").strip().splitlines()
    return f" ({lines[-1].strip().rstrip('.')})" if lines else ""
