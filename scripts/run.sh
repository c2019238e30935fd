#!/usr/bin/env bash
# Builds the program and starts it in the foreground; Ctrl-C stops it and everything it started.
set -euo pipefail
cd "$(dirname "$0")/.."
target="${CARGO_TARGET_DIR:-target}"
if [ ! -x "$target/release/lockstep" ]; then
  echo "Building Lockstep: about ten minutes the first time on two cores, seconds after that."
fi
cargo build --release --quiet --workspace --bin lockstep --bin lockstep-media
exec "$target/release/lockstep" serve
