"""Which device a model runs on, and how much it may be given at once."""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path

from codecontext.core.errors import ModelUnavailable
from codecontext.embeddings.model_files import ModelCard

BYTES_PER_FLOAT = 4
FRACTION_OF_FREE_MEMORY = 0.25

# More tokens at once gain nothing. On CPUs, throughput peaks at about 1000 on one core or two and falls once
# activations leave the caches (bundled model, torch and OpenVINO alike); queries wait for less, too.
CPU_BATCH_TOKENS_PER_THREAD = 512
CPU_BATCH_TOKENS_AT_LEAST = 1024
GPU_BATCH_TOKENS = 65536


def choose_device(wanted: str) -> str:
    """Resolve ``auto``, and check that the device named is there. Raises ``ModelUnavailable``.

    torch is imported only where a GPU may be, so that a machine without one starts faster.
    """
    if wanted == "cpu" or (wanted == "auto" and not _may_have_gpu()):
        return "cpu"
    import torch

    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return next(kind for kind, present in available.items() if present)
    kind, _, number = wanted.partition(":")
    if not available[kind] or (number and int(number) >= torch.cuda.device_count()):
        raise ModelUnavailable(
            f"The device {wanted} is not available to torch.",
            "Set device to auto, or install a torch that supports it.",
        )
    return wanted


def batch_tokens(device: str, card: ModelCard, threads: int | None = None) -> int:
    """Tokens of a batch that keep ``device`` busy and fit in a part of its free memory."""
    preferred = GPU_BATCH_TOKENS if device != "cpu" else _cpu_batch_tokens(threads or os.cpu_count() or 1)
    affordable = int(_free_bytes(device) * FRACTION_OF_FREE_MEMORY) // _bytes_per_token(card)
    return max(1, min(preferred, affordable))


def _cpu_batch_tokens(threads: int) -> int:
    return max(CPU_BATCH_TOKENS_AT_LEAST, CPU_BATCH_TOKENS_PER_THREAD * threads)


def _may_have_gpu() -> bool:
    """Whether there are signs of a GPU that torch could use: Apple silicon, NVIDIA, WSL or ROCm drivers."""
    apple = platform.system() == "Darwin" and platform.machine() == "arm64"
    return apple or shutil.which("nvidia-smi") is not None or Path("/dev/nvidia0").exists() or Path("/dev/kfd").exists()


def _bytes_per_token(card: ModelCard) -> int:
    """Memory that one token of a batch takes while a layer runs.

    About eight vectors of the hidden size (inputs, attention, residuals) and two of the intermediate size.
    """
    return BYTES_PER_FLOAT * (8 * card.dimension + 2 * card.intermediate_size)


def _free_bytes(device: str) -> int:
    if device == "cpu":
        import psutil

        return int(psutil.virtual_memory().available)
    import torch

    if device == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return int(torch.cuda.mem_get_info(device)[0])
