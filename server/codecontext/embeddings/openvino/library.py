"""The openvino package, imported when it is first needed and so that it reports nothing to anybody."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import cast

OPENVINO_AVAILABLE = importlib.util.find_spec("openvino") is not None

DEVICE = "CPU"

# What OpenVINO calls a capability of the CPU, and the number format it then computes in.
_PRECISIONS = {"BF16": "bf16", "FP16": "f16"}

_CONVERTER = "openvino.tools.ovc"

EXACT = "f32"
"""The precision that is torch's."""


@cache
def openvino() -> ModuleType:
    """The openvino package, without what it imports only if that is there.

    Its telemetry, which is installed with it, would send usage data. Its converter of other frameworks' models
    (``openvino.convert_model``) takes a third of the time to import; whoever wants both imports openvino first.
    """
    sys.modules.setdefault("openvino_telemetry", cast("ModuleType", None))
    with _absent(_CONVERTER):
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


@contextmanager
def _absent(module: str) -> Iterator[None]:
    """Let importing ``module`` fail, unless it has been imported."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = cast("ModuleType", None)
    try:
        yield
    finally:
        del sys.modules[module]
