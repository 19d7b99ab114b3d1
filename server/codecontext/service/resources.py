"""What all folders of one service share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from codecontext.indexing.reader import FileReader
from codecontext.service.memory_bound import MemoryBound
from codecontext.service.models import Models
from codecontext.service.priority_gate import PriorityGate
from codecontext.service.worker import Worker


@dataclass(frozen=True, slots=True)
class EngineResources:
    """Two workers and what they work with.

    The index worker scans, chunks, embeds and writes; the model worker loads models and adapters. ``on_change`` is
    called from any thread with the name of a folder whose state may have changed.
    """

    index_worker: Worker
    model_worker: Worker
    models: Models
    gate: PriorityGate
    memory: MemoryBound
    reader: FileReader
    on_change: Callable[[str], None]
