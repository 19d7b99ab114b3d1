"""Folders in a project that hold none of its own source, by name or by a file in them."""

VERSION_CONTROL = frozenset({".git", ".hg", ".jj", ".svn"})
DEPENDENCIES_AND_CACHES = frozenset({".venv", "__pycache__", "bower_components", "node_modules"})
# A virtual environment has the first (PEP 405), a cache the second (https://bford.info/cachedir/).
NOT_SOURCE_MARKERS = frozenset({"pyvenv.cfg", "CACHEDIR.TAG"})
