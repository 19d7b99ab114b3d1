#!/usr/bin/env bash
# Installs CodeContext for one user, in its own environment.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
    cat <<EOF
Usage: scripts/install.sh [--with peft|openvino]... [--prefix FOLDER] [--bin-dir FOLDER]

Installs CodeContext from this checkout into its own virtual environment and links the command
codecontext. Run it again to update. It asks no questions and needs no administrator rights.

  --with peft       LoRA adapters
  --with openvino   faster embedding on CPUs
  --prefix FOLDER   the environment to create or update (default: ~/.codecontext/venv)
  --bin-dir FOLDER  where to link the command (default: ~/.local/bin)
  --help            show this text

Environment:
  PYTHON            the Python 3.11 or newer to use (default: the first found on PATH)
  TORCH_INDEX_URL   the index to take PyTorch from, instead of pip's default

To uninstall, remove the environment and the link.
EOF
}

# A command of that name that does not point into our environment belongs to someone else.
refuse_to_replace() {
    local link=$1 target=$2
    if [[ -e $link || -L $link ]] && [[ $(readlink "$link") != "$target" ]]; then
        die "$link exists and does not point to $target: remove it or choose another --bin-dir."
    fi
}

link_command() {
    local link=$1 target=$2
    mkdir -p "$(dirname "$link")"
    ln -sf "$target" "$link"
    say "Linked $link"
}

explain_path() {
    case ":$PATH:" in
        *":$1:"*) ;;
        *) say "$1 is not on your PATH: add it, or run $1/codecontext." ;;
    esac
}

# absolute FOLDER: the link must work from any current directory.
absolute() {
    case $1 in
        /*) say "$1" ;;
        *) say "$PWD/$1" ;;
    esac
}

prefix=~/.codecontext/venv
bin_dir=~/.local/bin
extras=
while (($#)); do
    case $1 in
        --with)
            name=$(value_of "$@")
            extra=$(extra_of "$name")
            extras=${extras:+$extras,}$extra
            ;;
        --prefix) prefix=$(value_of "$@") ;;
        --bin-dir) bin_dir=$(value_of "$@") ;;
        --help | -h) usage && exit ;;
        *) die "unknown option '$1'; see --help." ;;
    esac
    shift 2
done
prefix=$(absolute "$prefix")
bin_dir=$(absolute "$bin_dir")

refuse_to_replace "$bin_dir/codecontext" "$prefix/bin/codecontext"
make_environment "$prefix"
install_pinned "$prefix" "$ROOT${extras:+[$extras]}"
say "Installed in $prefix:"
"$prefix/bin/codecontext" version
link_command "$bin_dir/codecontext" "$prefix/bin/codecontext"
explain_path "$bin_dir"
