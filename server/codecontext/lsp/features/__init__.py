"""What the server can do, one module per feature. Each has ``register``, which adds its handlers to a server."""

from codecontext.lsp.features import adapters, background, lifecycle, opened, search, similar, symbols, workspace
from codecontext.lsp.server import CodeContextServer

_FEATURES = (lifecycle, workspace, search, similar, opened, symbols, background, adapters)


def register_all(server: CodeContextServer) -> None:
    """Add every feature."""
    for feature in _FEATURES:
        feature.register(server)
