"""The command line ``codecontext``: one module a command, results on stdout, everything else on stderr."""
