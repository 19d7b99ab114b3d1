"""CodeContext: semantic code search on your own machine, teachable with a LoRA adapter.

::

    from codecontext import Engine

    with Engine.open("path/to/project") as engine:
        engine.index()
        for hit in engine.search("where is the session token compared").hits:
            print(hit.path, hit.start_line, hit.symbol)

Everything that goes wrong for a reason that a user can act on is a ``CodeContextError``; ``codecontext.core.errors``
has the tree. Nothing is imported before it is used.
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from codecontext.core.errors import CodeContextError
    from codecontext.engine.engine import Engine
    from codecontext.search.results import Hit, SearchResponse
else:

    def __getattr__(name: str) -> Any:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_MODULES[name]), name)


try:
    __version__ = version("codecontext")
except PackageNotFoundError:  # running from a source tree that was never installed
    __version__ = "0.0.0"

__all__ = ["CodeContextError", "Engine", "Hit", "SearchResponse", "__version__"]

_MODULES = {
    "CodeContextError": "codecontext.core.errors",
    "Engine": "codecontext.engine.engine",
    "Hit": "codecontext.search.results",
    "SearchResponse": "codecontext.search.results",
}
