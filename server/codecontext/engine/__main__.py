"""``python -m codecontext.engine``: the engine's process, which the language server starts."""

from codecontext.engine.process import main

if __name__ == "__main__":
    main()
