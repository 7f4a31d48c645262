# shellcheck shell=bash
# What the scripts beside this file share. They source it; it runs nothing.
# pip takes PyTorch's CPU build wherever PIP_EXTRA_INDEX_URL names PyTorch's index of it, as the workflows do; else its default one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
unset PYTHONDONTWRITEBYTECODE  # as on anybody's machine; else every program that a test starts compiles mebench anew
export PIP_COMPILE=0  # Python compiles what it imports; pip takes a minute for all 20,000 files

# Tests of outside data look into MEBENCH_TEST_DATA: data, and papers beside it, where a folder next to the checkout holds them.
if [ -z "${MEBENCH_TEST_DATA:-}" ] && [ -d ../shared/data ]; then
  MEBENCH_TEST_DATA=$(realpath ../shared/data):$(realpath ../shared)
  export MEBENCH_TEST_DATA
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Make a fresh environment NAME of an interpreter and enter it: a version (3.12) or a path; else $PYTHON, else python3.11.
environment() { # NAME [INTERPRETER]
  local python=${2:-${PYTHON:-python3.11}}
  [[ $python =~ ^3\.[0-9]+$ ]] && python=python$python
  "$python" -m venv "$scratch/$1"
  # shellcheck disable=SC1090,SC1091
  source "$scratch/$1/bin/activate"
  python --version
}

# Install this checkout with extras, in the versions that it is tested with.
install() { # EXTRA[,EXTRA]
  pip install --quiet -c constraints.txt -e ".[$1]"
}
