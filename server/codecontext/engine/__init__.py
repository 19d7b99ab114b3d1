"""The facade over model, adapter, index and search that every front end calls."""

from codecontext.engine.engine import Engine, FolderStatus

__all__ = ["Engine", "FolderStatus"]
