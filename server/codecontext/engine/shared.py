"""What all folders of one engine process use together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from codecontext.engine.lanes import Lanes
from codecontext.engine.models import Models
from codecontext.engine.worker import Worker
from codecontext.indexing.reader import FileReader


@dataclass(frozen=True, slots=True)
class Shared:
    """Two workers and what they work with.

    The index worker scans, cuts, embeds and writes; the model worker loads models and adapters. ``on_change`` is
    called from any thread with the name of a folder of which there is something new to say.
    """

    index_worker: Worker
    model_worker: Worker
    models: Models
    lanes: Lanes
    reader: FileReader
    on_change: Callable[[str], None]
