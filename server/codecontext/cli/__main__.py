"""``python -m codecontext.cli`` is the command ``codecontext``."""

from codecontext.cli.app import main

main()
