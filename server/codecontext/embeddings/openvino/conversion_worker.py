"""What the subprocess runs that converts one model; see ``conversion_process``.

It ends by itself when its stdin does, which the system sees to when the parent dies.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import BinaryIO

from codecontext.adapters import inspect_adapter
from codecontext.core.errors import CodeContextError
from codecontext.core.startup import claim_stdio
from codecontext.embeddings.batching import is_out_of_memory
from codecontext.embeddings.model_files import read_model_card
from codecontext.embeddings.openvino.conversion import ConversionRejected, OpenVinoModels
from codecontext.embeddings.openvino.conversion_process import (
    CROSSING_ERRORS,
    ConversionReply,
    ConversionRequest,
    Outcome,
)
from codecontext.embeddings.pytorch.model import TorchModel
from codecontext.embeddings.tokenizer import load_tokenizer


def main() -> None:
    """Answer the one request on stdin."""
    reader, writer = claim_stdio()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in a terminal reaches both; the parent decides
    request = ConversionRequest.model_validate_json(reader.readline())
    threading.Thread(target=_end_with_parent, args=(reader,), daemon=True).start()
    writer.write(_answer(request).model_dump_json().encode())
    writer.flush()
    os._exit(0)  # torch takes a while to go


def _answer(request: ConversionRequest) -> ConversionReply:
    try:
        return ConversionReply(outcome=Outcome.STORED if _convert(request) else Outcome.NOT_STORED)
    except ConversionRejected as reason:
        return ConversionReply(outcome=Outcome.REJECTED, message=str(reason))
    except CodeContextError as error:
        if error.code not in CROSSING_ERRORS:
            raise
        return ConversionReply(outcome=Outcome.ERROR, message=error.message, hint=error.hint, code=error.code)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return ConversionReply(outcome=Outcome.NO_MEMORY, message=str(error) or "none was left")


def _convert(request: ConversionRequest) -> bool:
    """Make what is missing; the result is whether it could be stored."""
    card = read_model_card(request.name, request.folder)
    adapter = inspect_adapter(request.adapter) if request.adapter else None
    models = OpenVinoModels(
        card,
        load_tokenizer(card, request.max_tokens),
        threads=request.threads,
        batch_tokens=request.batch_tokens,
        callers=1,
    )
    if not models.is_stored(adapter):
        models.convert(adapter, TorchModel(card, "cpu"))
    return models.is_stored(adapter)


def _end_with_parent(stdin: BinaryIO) -> None:
    stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main()
