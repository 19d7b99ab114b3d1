# shellcheck shell=bash
# Shared by the scripts in this folder: messages, finding Python, creating and filling an environment.
# Sourced, never run. Works with the bash 3.2 of macOS.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly ROOT
readonly CONSTRAINTS="$ROOT/constraints.txt"
readonly IS_SUPPORTED='import sys; sys.exit(sys.version_info < (3, 11))'

say() {
    printf '%s\n' "$*"
}

die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# value_of OPTION [VALUE]: VALUE; fails if it is missing or is another option.
value_of() {
    [[ -n ${2:-} && $2 != --* ]] || die "$1 needs a value; see --help."
    printf '%s\n' "$2"
}

# extra_of NAME: the extra in pyproject.toml that --with NAME stands for.
extra_of() {
    case $1 in
        peft) say lora ;;
        openvino) say openvino ;;
        *) die "unknown extra '$1': --with takes peft or openvino." ;;
    esac
}

# Being on PATH is not enough: version managers put stubs there that fail when run.
is_supported_python() {
    "$1" -c "$IS_SUPPORTED" >/dev/null 2>&1
}

# find_python: the interpreter to use; $PYTHON if it is set.
find_python() {
    local candidate
    if [[ -n ${PYTHON:-} ]]; then
        is_supported_python "$PYTHON" || die "PYTHON=$PYTHON is not a working Python 3.11 or newer."
        say "$PYTHON"
        return
    fi
    for candidate in python3 python3.13 python3.12 python3.11 python; do
        if is_supported_python "$candidate"; then
            say "$candidate"
            return
        fi
    done
    die "no working Python 3.11 or newer on PATH: install one, or name one with PYTHON=/path/to/python3."
}

# make_environment FOLDER: creates a virtual environment there, unless there is a working one.
make_environment() {
    local folder=$1 python
    if is_supported_python "$folder/bin/python" && "$folder/bin/python" -m pip --version >/dev/null 2>&1; then
        return
    fi
    if [[ -e $folder && ! -f $folder/pyvenv.cfg ]]; then
        die "$folder exists and is not a virtual environment: remove it or choose another folder."
    fi
    python=$(find_python)
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        die "$python has no venv module: install it (Debian and Ubuntu: apt-get install python3-venv)."
    say "Creating a virtual environment in $folder ($("$python" --version))"
    "$python" -m venv --clear "$folder"
}

# pip_install FOLDER ARGUMENT...: pip with the pinned versions; it shows progress only on a terminal.
pip_install() {
    local folder=$1 quiet=--quiet
    shift
    [[ -t 1 ]] && quiet=
    "$folder/bin/python" -m pip install ${quiet:+"$quiet"} --disable-pip-version-check -c "$CONSTRAINTS" "$@"
}

# Warns if pip is about to download the CUDA build of PyTorch for a machine that cannot use it.
warn_of_unused_cuda() {
    local folder=$1 plan
    [[ $(uname -s) == Linux && ! -e /proc/driver/nvidia && -z ${TORCH_INDEX_URL:-} ]] || return 0
    plan=$("$folder/bin/python" -m pip install --dry-run --no-deps --disable-pip-version-check \
        -c "$CONSTRAINTS" torch 2>/dev/null | grep '^Would install') || return 0
    [[ $plan == *+cpu* ]] && return 0
    say "Note: this machine has no NVIDIA GPU, but pip will download PyTorch with CUDA, several GB. For the"
    say "smaller CPU build, stop now, set TORCH_INDEX_URL to PyTorch's index of CPU wheels and run this again."
}

# install_pinned FOLDER ARGUMENT...: installs the given packages, and PyTorch before them.
# PyTorch is installed separately because TORCH_INDEX_URL replaces pip's index for PyTorch only.
install_pinned() {
    local folder=$1
    shift
    pip_install "$folder" pip
    warn_of_unused_cuda "$folder"
    say "Installing PyTorch"
    pip_install "$folder" --no-deps ${TORCH_INDEX_URL:+--index-url "$TORCH_INDEX_URL"} torch
    say "Installing CodeContext and its dependencies"
    pip_install "$folder" --build-constraint "$CONSTRAINTS" "$@"
    verify_bundled_model "$folder"
}

verify_bundled_model() {
    "$1/bin/python" - <<'EOF' || die "the installation in $1 is damaged; see above."
import sys

from codecontext.core.errors import CodeContextError
from codecontext.embeddings.model_files import verify_bundled_model

try:
    verify_bundled_model()
except CodeContextError as error:
    sys.exit(str(error))
EOF
}
