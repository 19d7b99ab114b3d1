"""``python -m codecontext.service``: the service, which the language server starts."""

from codecontext.service.process import main

if __name__ == "__main__":
    main()
