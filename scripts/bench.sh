#!/usr/bin/env bash
# Runs one benchmark, release build; prints JSON lines with ours, the peer and the ratio of the same run.
set -euo pipefail
cd "$(dirname "$0")/.."
# The whole workspace's features, as `make run` builds: nothing is built twice.
cargo build --release --quiet --workspace --bin lockstep-bench
name="${1:-}"
exec "${CARGO_TARGET_DIR:-target}/release/lockstep-bench" "${name:---list}"
