"""Models converted for OpenVINO, kept on disk so that each is converted once."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from codecontext.core.paths import codecontext_home
from codecontext.core.private import make_private, tighten
from codecontext.embeddings.base import Vectors
from codecontext.embeddings.openvino.patching import PatchableWeights

logger = logging.getLogger(__name__)

MODEL_FILE = "model.xml"
REFERENCE_FILE = "reference.npy"
MANIFEST_FILE = "manifest.json"

# The bundled model takes 90 MB; so many leave room for it with a few adapters that are more than plain LoRA.
KEPT_MODELS = 6


class CompiledManifest(BaseModel):
    """How a conversion went."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    precision: str
    cosine: float
    """Lowest cosine between torch's vectors and OpenVINO's over the sample texts."""
    warnings: tuple[str, ...] = ()
    """What to tell the user whenever the model is loaded."""
    weights: PatchableWeights | None = None
    """How adapters are added to this base model; None if that takes PEFT."""


@dataclass(frozen=True, slots=True)
class CompiledModel:
    """A conversion on disk."""

    model: Path
    reference: Vectors
    """torch's vectors of the sample texts."""
    manifest: CompiledManifest


class CompiledModels:
    """The folder of conversions. Entries appear complete or not at all, even with several writers."""

    def __init__(self, root: Path | None = None) -> None:
        self._root = root or codecontext_home() / "cache" / "openvino"

    def find(self, key: str) -> CompiledModel | None:
        """The conversion called ``key``; ``None`` if there is none or it cannot be read."""
        folder = self._root / key
        try:
            manifest = CompiledManifest.model_validate_json((folder / MANIFEST_FILE).read_bytes())
            reference = np.load(folder / REFERENCE_FILE, allow_pickle=False)
            os.utime(folder)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            logger.warning("A converted model in %s cannot be read and is converted again: %s", folder, error)
            self.remove(key)
            return None
        return CompiledModel(folder / MODEL_FILE, reference, manifest)

    def add(self, key: str, save_model: Callable[[Path], None], reference: Vectors, manifest: CompiledManifest) -> None:
        """Store a conversion under ``key``, and drop those unused for longest. Raises ``OSError``."""
        make_private(self._root)
        with tempfile.TemporaryDirectory(dir=self._root, prefix=".new-") as temporary:
            folder = Path(temporary) / key
            folder.mkdir()
            save_model(folder / MODEL_FILE)
            np.save(folder / REFERENCE_FILE, reference)
            (folder / MANIFEST_FILE).write_text(manifest.model_dump_json(), encoding="utf-8")
            tighten(folder)
            if not (self._root / key).exists():
                folder.rename(self._root / key)
        self._prune()

    def remove(self, key: str) -> None:
        """Forget the conversion called ``key``."""
        shutil.rmtree(self._root / key, ignore_errors=True)

    def _prune(self) -> None:
        entries = [entry for entry in self._root.iterdir() if (entry / MANIFEST_FILE).is_file()]
        entries.sort(key=lambda entry: entry.stat().st_mtime, reverse=True)
        for entry in entries[KEPT_MODELS:]:
            self.remove(entry.name)
