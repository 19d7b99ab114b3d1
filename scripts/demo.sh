#!/usr/bin/env bash
# Indexes this very repository and asks it three questions in plain English.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

(($# == 1 || $# == 2)) || die "usage: scripts/demo.sh CODECONTEXT [ADAPTER]; make demo fills these in."

# Nothing of the user's is read or written: index and cache stay inside the checkout, where git ignores them.
codecontext=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
export CODECONTEXT_HOME="$ROOT/.codecontext-home"
if [[ -n ${2:-} ]]; then
    [[ -d $2 ]] || die "ADAPTER=$2 is not a folder with a LoRA adapter."
    CODECONTEXT_EMBEDDINGS__HUGGINGFACE__LORA_ADAPTER_PATH=$(cd "$2" && pwd)
    export CODECONTEXT_EMBEDDINGS__HUGGINGFACE__LORA_ADAPTER_PATH
fi
cd "$ROOT"

ask() {
    # The questions stand in this very file, so only the package is searched.
    printf '\n$ codecontext search "%s path:server" --limit 3\n' "$1"
    "$codecontext" search "$1 path:server" --limit 3
}

printf '$ codecontext index .\n'
"$codecontext" index .
ask "where is an adapter's content fingerprint computed"
ask "what happens when a batch runs out of memory"
ask "how are camel case identifiers split into words"
