"""Every error that CodeContext shows to a user.

    CodeContextError
    ├── ConfigError           a setting is unknown, of the wrong type, or names something that does not exist
    ├── ModelUnavailable      the base model cannot be loaded (missing, corrupt, needs a download)
    ├── AdapterError          the LoRA adapter cannot be used with this model
    ├── EmbeddingError        the model returned vectors that cannot be stored (NaN, infinite, wrong size)
    ├── IndexNotReady         there is no index for this folder yet
    ├── IndexLocked           another process is writing this index
    ├── IndexCorrupt          a table cannot be read; it was set aside
    ├── StoreError            the disk cannot be written (full, read-only, no permission)
    ├── EngineUnavailable     the background process is not running and could not be started
    ├── QueryError            a search is invalid (bad filter, bad position)
    ├── TrainingError         an adapter cannot be trained, evaluated or activated as requested
    └── OperationCancelled    the user stopped it

``message`` says what was wrong and where, in one sentence; ``hint`` says what would be right or what to do;
``code`` is stable and is what ``--json`` output and the language server report.
"""

from __future__ import annotations


class CodeContextError(Exception):
    """Base of all errors with a message for the user."""

    code = "error"
    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def sentence(self) -> str:
        """``message``, closed with a full stop where it ends in a path or a name."""
        return self.message if self.message.endswith((".", "!", "?")) else f"{self.message}."

    def __str__(self) -> str:
        return f"{self.sentence} {self.hint}" if self.hint else self.message


class ConfigError(CodeContextError):
    """A setting is unknown, of the wrong type, or names something that does not exist."""

    code = "config"
    exit_code = 3


class ModelUnavailable(CodeContextError):
    """The base model cannot be loaded."""

    code = "model"
    exit_code = 4


class AdapterError(CodeContextError):
    """The LoRA adapter cannot be used: unsafe format, incomplete, or made for another model."""

    code = "adapter"
    exit_code = 4


class EmbeddingError(CodeContextError):
    """The model returned vectors that must not be stored."""

    code = "embedding"
    exit_code = 4


class IndexNotReady(CodeContextError):
    """There is no index for this folder yet."""

    code = "index-not-ready"
    exit_code = 5


class IndexLocked(CodeContextError):
    """Another process is writing this index."""

    code = "index-locked"
    exit_code = 5


class IndexCorrupt(CodeContextError):
    """A stored table cannot be read."""

    code = "index-corrupt"
    exit_code = 5


class StoreError(CodeContextError):
    """The disk cannot be written: full, read-only or no permission."""

    code = "store"
    exit_code = 5


class EngineUnavailable(CodeContextError):
    """The background process is not running and could not be started."""

    code = "engine"
    exit_code = 5


class QueryError(CodeContextError):
    """A search is invalid."""

    code = "query"
    exit_code = 2


class TrainingError(CodeContextError):
    """An adapter cannot be trained, evaluated or activated as requested."""

    code = "training"
    exit_code = 6


class OperationCancelled(CodeContextError):
    """The user stopped the operation; what was finished is kept."""

    code = "cancelled"
    exit_code = 130
