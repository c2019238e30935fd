#!/usr/bin/env bash
# Runs one benchmark, release build; prints JSON lines with ours, the peer and the ratio of the same run.
set -euo pipefail
cd "$(dirname "$0")/.."
name="${1:-}"
target="${CARGO_TARGET_DIR:-target}"
# The whole workspace's features, as `make run` builds: nothing is built twice.
if [ "$name" = upload ]; then
    # In a real browser against the real program.
    bash scripts/build-ui.sh
    cargo build --release --quiet --workspace --bin lockstep
    export LOCKSTEP_PROGRAM="${LOCKSTEP_PROGRAM:-$(realpath "$target/release/lockstep")}"
    cd web/e2e
    exec npx playwright test --config bench/playwright.config.ts upload
fi
cargo build --release --quiet --workspace --bin lockstep-bench
exec "$target/release/lockstep-bench" "${name:---list}"
