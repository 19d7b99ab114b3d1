"""Which files make up the site, and what its pages may load.

Each file keeps its path in the repository, so that the same links work in both.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

PAGES = ("*.md", "docs/*.md", "benchmarks/README.md", "vscode-client/README.md")
PICTURES = (
    "docs/*.svg",
    "vscode-client/media/**/*.gif",
    "vscode-client/media/**/*.png",
    "vscode-client/media/**/*.svg",
)

_LOADED = re.compile(r"""<(?:script|link|img|iframe|source)\b[^>]*\s(?:src|href)=["']?((?:https?:)?//[^\s"'>]+)""")
_log = logging.getLogger("mkdocs.hooks")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Replaces the files of ``docs`` as MkDocs found them, and leaves those of the theme."""
    repository = Path(config.config_file_path).parent
    of_the_theme = [file for file in files if Path(file.src_dir or "") != Path(config.docs_dir)]
    return Files([*of_the_theme, *_from_the_repository(repository, config)])


def on_post_page(output: str, page: Page, **_: Any) -> None:
    """Warns of everything that a page would load from the network, which ``--strict`` makes an error."""
    for address in _LOADED.findall(output):
        _log.warning("%s loads %s: pages load nothing from the network.", page.file.src_uri, address)


def _from_the_repository(repository: Path, config: MkDocsConfig) -> Iterator[File]:
    for pattern in (*PAGES, *PICTURES):
        for path in sorted(repository.glob(pattern)):
            source = path.relative_to(repository).as_posix()
            yield File(source, str(repository), config.site_dir, config.use_directory_urls)
