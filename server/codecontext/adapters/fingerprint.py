"""What identifies an adapter: its content."""

from __future__ import annotations

import json
from pathlib import Path

from codecontext.adapters.files import CONFIG_FILE, MAX_WEIGHTS_BYTES, WEIGHTS_FILE, read_adapter_manifest, read_config
from codecontext.core import content_digest
from codecontext.core.errors import AdapterError
from codecontext.core.hashing import file_sha256

# Fields of adapter_config.json that say where an adapter comes from or how it was trained. Merged weights do
# not depend on them, and tools rewrite them when they move or save an adapter. Any other field counts,
# known or not.
UNIMPORTANT_FIELDS = frozenset(
    {
        "auto_mapping",
        "base_model_name_or_path",
        "inference_mode",
        "lora_dropout",
        "peft_version",
        "revision",
        "task_type",
    }
)


def adapter_fingerprint(path: Path) -> str:
    """Digest of an adapter's weights, of the settings that decide what they do, and of its side.

    Renaming, moving or copying the folder and reformatting its configuration leave it as it is; other
    weights under the same path do not. Everything is read each time: an adapter has 1 to 50 MB, and file
    times do not prove that content is unchanged.

    Raises ``AdapterError`` when a file is missing or cannot be read.
    """
    config = {key: value for key, value in read_config(path).items() if key not in UNIMPORTANT_FIELDS}
    try:
        weights = file_sha256(path / WEIGHTS_FILE, max_bytes=MAX_WEIGHTS_BYTES)
    except OSError as error:
        raise AdapterError(
            f"LoRA adapter {path} cannot be read: {error.strerror or error}.",
            f"It needs {CONFIG_FILE} and {WEIGHTS_FILE}.",
        ) from error
    return content_digest(
        json.dumps(config, sort_keys=True, ensure_ascii=False), weights, read_adapter_manifest(path).side
    )
