"""Runs a model with OpenVINO on a CPU, where it takes a fraction of torch's time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from queue import LifoQueue
from typing import Any

import numpy as np

from codecontext.embeddings.backend import EmbeddingBackend, TokenArray
from codecontext.embeddings.base import Vectors
from codecontext.embeddings.openvino.library import DEVICE, openvino


class OpenVinoBackend(EmbeddingBackend):
    """A model compiled for this CPU.

    ``model`` is a graph (input_ids, attention_mask) → (batch, d), ``precision`` one of ``native_precisions``.
    ``threads`` unset leaves the number to OpenVINO. ``weights`` is what the graph's constants are views of, which
    OpenVINO does not keep alive.

    Requests of one compiled model run one after another, so the model is compiled once for each of
    ``callers`` threads that embed at once: a query does not wait for the batch of an indexing run. What a
    caller asks runs in its own thread, at the priority that the system gives that thread.
    """

    def __init__(
        self,
        model: Any,
        *,
        precision: str,
        threads: int | None,
        pad_id: int,
        batch_tokens: int,
        callers: int = 1,
        weights: object = None,
    ) -> None:
        self.precision = precision
        self.pad_id = pad_id
        self.batch_tokens = batch_tokens
        # One stream: a batch gets every thread. No pinning: the user's own work may have the cores.
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,
            "INFERENCE_PRECISION_HINT": precision,
        }
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        core = openvino().Core()
        # Compiling one copy occupies a single core.
        with ThreadPoolExecutor(callers) as pool:
            self._compiled = list(pool.map(lambda _: core.compile_model(model, DEVICE, settings), range(callers)))
        self._idle: LifoQueue[Any] = LifoQueue()
        for compiled in self._compiled:
            self._idle.put(compiled.create_infer_request())
        self._weights = weights

    @property
    def name(self) -> str:
        """``openvino (cpu, bf16)``."""
        return f"openvino (cpu, {self.precision})"

    def forward(self, input_ids: TokenArray, attention_mask: TokenArray) -> Vectors:
        """Vectors of one batch."""
        request = self._idle.get()
        try:
            request.infer({"input_ids": input_ids, "attention_mask": attention_mask}, share_inputs=True)
            vectors: Vectors = request.get_output_tensor(0).data.astype(np.float32, copy=True)
        finally:
            self._idle.put(request)
        return vectors

    def free_memory(self) -> None:
        """Drop the buffers of earlier batches."""
        for compiled in self._compiled:
            compiled.release_memory()
