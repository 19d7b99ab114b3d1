"""Settings of which files are indexed."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

from codecontext.core.notebooks import is_notebook
from codecontext.indexing.files import MAX_FILE_BYTES
from codecontext.indexing.gitignore import parse_rule, parse_rules, path_bytes

NOTEBOOK_SIZE = 20
"""How many times larger than other files a notebook may be."""


class ScanConfig(BaseModel):
    """Which files of a folder are indexed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    include: tuple[str, ...] = Field(
        (),
        description=(
            "Index only files that match one of these globs (gitignore syntax, relative to the folder; a "
            "folder stands for everything in it). Empty means all files."
        ),
    )
    exclude: tuple[str, ...] = Field(
        (),
        description=(
            "Skip files and folders that match these globs (gitignore syntax, relative to the folder; `!` re-includes)."
        ),
    )
    max_file_bytes: int = Field(
        MAX_FILE_BYTES,
        ge=1,
        description=(
            "Skip larger files: hand-written code is rarely this long, data often is. A notebook may be "
            f"{NOTEBOOK_SIZE} times as large, since most of it is outputs, which are not indexed."
        ),
    )
    respect_gitignore: bool = Field(
        True,
        description=(
            "Skip what git ignores. Where git cannot be run, `.gitignore` files are read instead, and "
            "dependency, cache and virtual environment folders are skipped."
        ),
    )

    vectors: bool = Field(
        True,
        description=(
            "Embed the code, for semantic search. Off: no model is loaded, and code is found by keyword search only."
        ),
    )

    def max_bytes(self, path: str) -> int:
        """The size up to which the file ``path`` is indexed."""
        return self.max_file_bytes * (NOTEBOOK_SIZE if is_notebook(path) else 1)

    @field_validator("include", "exclude")
    @classmethod
    def _globs_must_compile(cls, globs: tuple[str, ...]) -> tuple[str, ...]:
        for glob in globs:
            if fault := _fault_of(glob):
                raise ValueError(f"{glob!r} is not a glob in gitignore syntax: {fault}")
        if parse_rules(map(path_bytes, globs)).cut_at is not None:
            raise ValueError("there are too many globs to match against every file")
        return globs


def _fault_of(glob: str) -> str:
    """What is wrong with a glob, more strictly than git is: people write settings, and want to know."""
    if "\\/" in glob:
        return "it has a backslash before a slash"
    rule = parse_rule(path_bytes(glob))
    return rule.fault if rule else ""
