"""Every generated file, and whether it is up to date."""

from __future__ import annotations

from pathlib import Path

from scripts.codegen import cli_reference, protocol_reference, settings_reference, typescript, vscode_settings

ROOT = Path(__file__).parents[2]
_MANIFEST = "vscode-client/package.json"


def render_all() -> dict[str, str]:
    """What each file should hold, by its path in the repository."""
    return {
        "docs/cli.md": cli_reference.render_reference(),
        "docs/protocol.md": protocol_reference.render_reference(),
        "docs/settings.md": settings_reference.render_reference(),
        "vscode-client/src/protocol.ts": typescript.render_types(),
        "vscode-client/src/settingKeys.ts": vscode_settings.render_keys(),
        _MANIFEST: vscode_settings.render_manifest((ROOT / _MANIFEST).read_text(encoding="utf-8")),
    }


def stale_files() -> dict[str, str]:
    """The part of ``render_all`` that is missing on disk or differs there."""
    return {name: text for name, text in render_all().items() if not _holds(ROOT / name, text)}


def _holds(file: Path, text: str) -> bool:
    return file.is_file() and file.read_bytes() == text.encode("utf-8")
