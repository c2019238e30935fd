#!/usr/bin/env bash
# Every test: Rust (one nextest over the workspace, documentation tests), the web application's, and the browser's.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh --with-nextest
failed=0
step() { printf '\n\033[1m%s\033[0m\n' "$1"; shift; "$@" || { failed=1; echo "FAILED: $*"; }; }

step "Formatting" cargo fmt --all --check
step "Rust tests (building first: about six minutes from nothing on two cores)" cargo nextest run --workspace --no-fail-fast
step "Types of the web application" npm --prefix web/ui run --silent check
step "Generated types follow the schema" npm --prefix web/ui run --silent types:check
step "Unit tests of the web application" npm --prefix web/ui run --silent test
step "Size of the web application" npm --prefix web/ui run --silent size
step "Browser tests" bash scripts/e2e.sh
exit "$failed"
