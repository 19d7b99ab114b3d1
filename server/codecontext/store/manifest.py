"""The small file that says what an index holds. Written last, so that a crash only repeats work.

The tables are the truth about chunks and vectors. The manifest adds what can be made again: when each file
was last seen (so that unchanged files are not read), what was skipped and why, and which space is active.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from codecontext.core.atomic import write_file
from codecontext.core.errors import StoreError
from codecontext.core.messages import Message, Sentence

SCHEMA_VERSION = 2
"""Raised whenever the columns of a table or their meaning change; an index of another version is rebuilt."""

_FILE_NAME = "manifest.json"


class FileStamp(BaseModel):
    """What a file looked like when it was read.

    ``size`` in bytes; ``changed_ns`` the later of its modification and status-change times, so that an edit
    that puts the modification time back is seen; ``chunks`` how many rows it gave.
    """

    model_config = ConfigDict(frozen=True)

    size: int
    changed_ns: int
    digest: str
    chunks: int


class QuarantinedFile(BaseModel):
    """A file that ended the process that read it, as it looked then; it is not read until it looks different."""

    model_config = ConfigDict(frozen=True)

    size: int
    changed_ns: int
    detail: str


class SkippedStamp(BaseModel):
    """A file that was skipped for its content, as it looked then; it is not read until it looks different."""

    model_config = ConfigDict(frozen=True)

    size: int
    changed_ns: int
    reason: str
    detail: str = ""


class SkippedFile(Message):
    """A file, or with a trailing '/' a whole folder, that is not in the index, and why."""

    path: str = Field(description="Relative to the folder.")
    reason: str = Field(description="Why, as one word.")
    detail: Sentence = Field("", description="Details, where there are any.")


class Manifest(BaseModel):
    """State of one index at the end of its last run."""

    folder: str = ""
    index_version: str = Field("", description="Digest of everything that decides how a file becomes rows.")
    spaces: list[str] = Field(default_factory=list, description="Embedding spaces, the active one first.")
    read_at_ns: int = Field(0, description="When the run that took the stamps began.")
    files: dict[str, FileStamp] = Field(default_factory=dict)
    skipped: list[SkippedFile] = Field(default_factory=list)
    skipped_stamps: dict[str, SkippedStamp] = Field(default_factory=dict)
    quarantined: dict[str, QuarantinedFile] = Field(default_factory=dict)
    notices: list[str] = Field(default_factory=list)
    tidied: int = Field(0, description="Version of the chunks table when its removed rows were last purged.")

    def use_space(self, space_id: str, *, keep: int, activate: bool = True) -> None:
        """Make ``space_id`` the active space and remember the ``keep`` most recent ones.

        Without ``activate`` it comes second, after the active one if there is any.
        """
        others = [other for other in self.spaces if other != space_id]
        is_second = not activate and self.spaces[:1] != [space_id]
        self.spaces = [*others[:is_second], space_id, *others[is_second:]][:keep]


def read_manifest(directory: Path) -> Manifest | None:
    """The manifest in ``directory``, or None where there is none or one that says nothing of use.

    Raises ``StoreError`` where the system does not let it be read.
    """
    try:
        return Manifest.model_validate_json((directory / _FILE_NAME).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValidationError):
        return None
    except OSError as error:
        raise StoreError(
            f"The manifest {directory / _FILE_NAME} cannot be read: {error.strerror}.",
            "Check the file's permissions.",
        ) from error


def has_manifest(directory: Path) -> bool:
    """Whether a run has finished there, whatever it found."""
    return (directory / _FILE_NAME).is_file()


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Replace the manifest in one step. Raises ``StoreError`` when the disk refuses; then the old one stays."""
    try:
        write_file(directory / _FILE_NAME, manifest.model_dump_json(), private=True)
    except OSError as error:
        raise StoreError(
            f"The manifest {directory / _FILE_NAME} cannot be written: {error.strerror}.",
            "Free some space and run again; the previous index is intact.",
        ) from error
