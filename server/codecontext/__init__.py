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

from typing import TYPE_CHECKING

from codecontext.core.lazy import lazy_exports

if TYPE_CHECKING:
    from codecontext.core.errors import CodeContextError
    from codecontext.core.version import __version__
    from codecontext.engine.engine import Engine
    from codecontext.search.results import Hit, SearchResponse
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "CodeContextError": "codecontext.core.errors",
            "Engine": "codecontext.engine.engine",
            "Hit": "codecontext.search.results",
            "SearchResponse": "codecontext.search.results",
            "__version__": "codecontext.core.version",
        },
    )

__all__ = ["CodeContextError", "Engine", "Hit", "SearchResponse", "__version__"]
