"""Which files make up the site. Each keeps its path in the repository, so that the same links work in both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

PAGES = ("*.md", "docs/*.md", "benchmarks/README.md", "vscode-client/README.md")
PICTURES = ("vscode-client/media/**/*.gif", "vscode-client/media/**/*.png", "vscode-client/media/**/*.svg")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Replaces the files of ``docs`` as MkDocs found them, and leaves those of the theme."""
    repository = Path(config.config_file_path).parent
    of_the_theme = [file for file in files if Path(file.src_dir or "") != Path(config.docs_dir)]
    return Files([*of_the_theme, *_from_the_repository(repository, config)])


def _from_the_repository(repository: Path, config: MkDocsConfig) -> Iterator[File]:
    for pattern in (*PAGES, *PICTURES):
        for path in sorted(repository.glob(pattern)):
            source = path.relative_to(repository).as_posix()
            yield File(source, str(repository), config.site_dir, config.use_directory_urls)
