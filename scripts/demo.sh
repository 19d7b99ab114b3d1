#!/usr/bin/env bash
# Indexes this repository and asks it three questions in plain English.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

(($# == 1 || $# == 2)) || die "usage: scripts/demo.sh CODECONTEXT [ADAPTER]; run 'make demo' instead."

# The user's own index and settings are left alone: everything stays in the checkout, in a folder that git ignores.
codecontext=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
export CODECONTEXT_HOME="$ROOT/.codecontext-home"
if [[ -n ${2:-} ]]; then
    [[ -d $2 ]] || die "ADAPTER=$2 is not a folder with a LoRA adapter."
    CODECONTEXT_EMBEDDINGS__HUGGINGFACE__LORA_ADAPTER_PATH=$(cd "$2" && pwd)
    export CODECONTEXT_EMBEDDINGS__HUGGINGFACE__LORA_ADAPTER_PATH
fi
cd "$ROOT"

ask() {
    # This file contains the questions, so only the package is searched.
    printf '\n$ codecontext search "%s path:server" --limit 3\n' "$1"
    "$codecontext" search "$1 path:server" --limit 3
}

printf '$ codecontext index .\n'
"$codecontext" index .
ask "where is an adapter's content fingerprint computed"
ask "what happens when a batch runs out of memory"
ask "how are camel case identifiers split into words"
