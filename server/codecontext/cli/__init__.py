"""The command line ``codecontext``: one module per command, results on stdout, everything else on stderr."""
