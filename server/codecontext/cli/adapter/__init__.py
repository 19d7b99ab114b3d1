"""``codecontext adapter``: one module a command."""
