"""Importing OpenVINO takes no more than is needed, and takes nothing from others who use it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from codecontext.embeddings.openvino.library import OPENVINO_AVAILABLE

pytestmark = pytest.mark.skipif(not OPENVINO_AVAILABLE, reason="OpenVINO is not installed")

IMPORT = "from codecontext.embeddings.openvino.library import openvino; package = openvino()"
MODULES = "import sys; print([name for name in ('openvino.tools.ovc', 'openvino_telemetry') if sys.modules.get(name)])"


def printed(*statements: str) -> str:
    result = subprocess.run([sys.executable, "-c", "\n".join(statements)], capture_output=True, text=True, check=True)
    return result.stdout.strip()


def test_imports_neither_converter_nor_telemetry() -> None:
    assert printed(IMPORT, "assert package.Core().available_devices", MODULES) == "[]"


def test_the_converter_can_be_imported_afterwards() -> None:
    assert printed(IMPORT, "from openvino.tools.ovc import convert_model; print(convert_model.__name__)") == (
        "convert_model"
    )


def test_who_imported_openvino_before_keeps_its_converter() -> None:
    assert printed("import openvino as ov", IMPORT, "print(package is ov, callable(ov.convert_model))") == ("True True")
