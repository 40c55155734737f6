#!/bin/sh
# Write the hashed requirement files from pyproject.toml. Needs uv (a Python package).
# All of them take their versions from requirements-dev.txt, so that what is tested is what runs.
set -eu
cd "$(dirname "$0")"
lock() {
  output=$1
  shift
  uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header \
    --python-version 3.11 --only-binary :all: "$@" pyproject.toml -o "$output"
}
lock requirements-dev.txt --extra dev
for process in backend agent mcp; do
  lock "requirements-$process.txt" --extra "$process" --constraint requirements-dev.txt
done
