"""The version of CodeContext that is installed."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("codecontext")
except PackageNotFoundError:  # running from a source tree that was never installed
    __version__ = "0.0.0"
