"""The openvino package, imported when it is first needed and so that it reports nothing to anybody."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from functools import cache
from types import ModuleType
from typing import cast

OPENVINO_AVAILABLE = importlib.util.find_spec("openvino") is not None

DEVICE = "CPU"

# What OpenVINO calls a capability of the CPU, and the number format it then computes in.
_PRECISIONS = {"BF16": "bf16", "FP16": "f16"}

EXACT = "f32"
"""The precision that is torch's."""


@cache
def openvino() -> ModuleType:
    """The openvino package.

    Importing it sends usage data through openvino_telemetry, which is installed with it, unless that cannot be
    imported; nothing else needs it.
    """
    sys.modules.setdefault("openvino_telemetry", cast("ModuleType", None))
    return importlib.import_module("openvino")


@cache
def operations() -> ModuleType:
    """The operations that graphs are made of: https://docs.openvino.ai/2025/documentation/openvino-ir-format.html."""
    openvino()
    return importlib.import_module("openvino.opset15")


def native_precisions() -> list[str]:
    """Number formats that the CPU computes in natively, fastest first; the last is ``EXACT``."""
    capabilities = openvino().Core().get_property(DEVICE, "OPTIMIZATION_CAPABILITIES")
    return [*[_PRECISIONS[name] for name in _PRECISIONS if name in capabilities][:1], EXACT]


def version_and_cpu() -> tuple[str, str]:
    """The version and build of OpenVINO, and the CPU as it names it."""
    package = openvino()
    return str(package.get_version()), str(package.Core().get_property(DEVICE, "FULL_DEVICE_NAME"))
