#!/usr/bin/env bash
# Makes the development environment: an editable install with every tool, at the pinned versions.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
    cat <<EOF
Usage: scripts/dev-install.sh [--with peft|openvino]... [--venv FOLDER]

Installs this checkout in editable mode, with the tools to test and check it, into a virtual
environment. The make targets run it when needed.

  --with NAME      an optional part; the development tools already include both
  --venv FOLDER    the environment to create or update (default: .venv in the checkout)
  --help           show this text

Environment:
  PYTHON           the Python 3.11 or newer to use (default: the first found on PATH)
  TORCH_INDEX_URL  the index to take PyTorch from, instead of pip's default
EOF
}

venv=$ROOT/.venv
extras=dev
while (($#)); do
    case $1 in
        --with)
            name=$(value_of "$@")
            extra=$(extra_of "$name")
            extras=$extras,$extra
            ;;
        --venv) venv=$(value_of "$@") ;;
        --help | -h) usage && exit ;;
        *) die "unknown option '$1'; see --help." ;;
    esac
    shift 2
done

make_environment "$venv"
install_pinned "$venv" --editable "${ROOT}[$extras]"
say "Ready: $venv"
