#!/usr/bin/env bash
# Writes vscode-client/requirements.lock: everything that the VS Code extension installs on any system, at the versions in
# constraints.txt and with the digests of the packages, as pip's hash-checking mode requires.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case ${1:-} in
    "") ;;
    --help | -h)
        say "Usage: scripts/lock-requirements.sh"
        say
        say "Run it after changing constraints.txt or the dependencies in pyproject.toml. The digests are those"
        say "published by the package index; set UV_DEFAULT_INDEX to use another index."
        exit
        ;;
    *) die "it takes no arguments; see --help." ;;
esac

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
make_environment "$scratch/venv"
"$scratch/venv/bin/python" -m pip install --quiet --disable-pip-version-check uv
printf 'codecontext[lora,openvino] @ file://%s\n' "$ROOT" >"$scratch/wanted.in"

lock=$ROOT/vscode-client/requirements.lock
printf '# Made by scripts/lock-requirements.sh: what the extension installs, with the digests of the packages.\n' >"$scratch/lock"
"$scratch/venv/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
    --no-emit-package codecontext --constraint "$CONSTRAINTS" "$scratch/wanted.in" >>"$scratch/lock"
mv "$scratch/lock" "$lock"
say "Wrote $lock; review it with git diff."
