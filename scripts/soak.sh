#!/usr/bin/env bash
# A minute of a full channel, then the crash test, again and again (LOAD_SECONDS=60 ROUNDS=5).
set -euo pipefail
cd "$(dirname "$0")/.."
LOAD_SECONDS="${LOAD_SECONDS:-60}" cargo nextest run --workspace --no-capture -E "test(load::)"
for round in $(seq "${ROUNDS:-5}"); do
  echo "round $round"
  cargo nextest run --workspace -E "test(crash::)"
done
