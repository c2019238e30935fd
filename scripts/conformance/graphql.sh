#!/usr/bin/env bash
# schemathesis over the SDL: 2,000 cases and more, no server error.
set -euo pipefail
cd "$(dirname "$0")/../.."
target="${CARGO_TARGET_DIR:-target}"
cargo test --workspace --no-run --quiet
venv="$target/conformance-venv"
if [[ ! -x "$venv/bin/st" ]]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check "schemathesis==4.32.5"
fi
LOCKSTEP_PROGRAM="$(realpath "$target/debug/lockstep")" exec "$venv/bin/python" scripts/conformance/schema.py "$venv/bin/st"
