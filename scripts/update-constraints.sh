#!/usr/bin/env bash
# Resolves the dependencies in pyproject.toml and pins the result in constraints.txt.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
    cat <<EOF
Usage: scripts/update-constraints.sh [NAME==VERSION]...

Updates constraints.txt to the newest versions that pyproject.toml allows, except those given, and
vscode-client/requirements.lock to match. Review the difference and commit it.
EOF
}

for argument; do
    case $argument in
        --help | -h) usage && exit ;;
        *==*) ;;
        *) die "'$argument' is not of the form NAME==VERSION; see --help." ;;
    esac
done

header=$(grep '^#' "$CONSTRAINTS")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
printf '%s\n' "$@" >"$scratch/held.txt"

resolve() {
    "$scratch/venv/bin/python" -m pip install --quiet --disable-pip-version-check -c "$scratch/held.txt" "$@"
}

make_environment "$scratch/venv"
resolve --upgrade pip
resolve --no-deps ${TORCH_INDEX_URL:+--index-url "$TORCH_INDEX_URL"} torch
# hatchling builds the package, editables its editable install: named here so that they are pinned, too.
resolve hatchling editables --editable "${ROOT}[dev]"

# Leaves out what depends on the machine: the local part of a version (+cpu), and the CUDA packages, which PyTorch
# pins itself.
pins=$("$scratch/venv/bin/python" -m pip freeze --all --exclude codecontext |
    sed 's/+.*//' | tr 'A-Z_' 'a-z-' | grep -Ev '^(nvidia|cuda|triton)[-=]' | LC_ALL=C sort -t= -k1,1)
printf '%s\n' "$header" "$pins" >"$CONSTRAINTS"
say "Wrote $CONSTRAINTS; review it with git diff."
"$ROOT/scripts/lock-requirements.sh"
