"""``python -m scripts.codegen`` writes the generated files; with ``--check`` it only names the stale ones."""

from __future__ import annotations

import argparse
import sys

from scripts.codegen.files import ROOT, stale_files


def main() -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m scripts.codegen", description="Write the generated files.")
    parser.add_argument("--check", action="store_true", help="change nothing; name each stale file and exit with 1")
    check = parser.parse_args().check
    stale = stale_files()
    for name, text in stale.items():
        if check:
            sys.stderr.write(f"{name} is stale; run: make codegen\n")
        else:
            (ROOT / name).write_text(text, encoding="utf-8", newline="\n")
            sys.stdout.write(f"Wrote {name}\n")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
