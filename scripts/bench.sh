#!/usr/bin/env bash
# Runs one benchmark, release build; prints JSON lines with ours, the peer and the ratio of the same run.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -z "${1:-}" ]; then exec cargo run --release --quiet -p lockstep-bench -- --list; fi
exec cargo run --release --quiet -p lockstep-bench -- "$1"
