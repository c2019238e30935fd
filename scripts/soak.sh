#!/usr/bin/env bash
# A minute of a full channel, each part gone for half a minute, then the crash test, again and again
# (LOAD_SECONDS=60 OUTAGE_SECONDS=30 ROUNDS=5).
set -euo pipefail
cd "$(dirname "$0")/.."
LOAD_SECONDS="${LOAD_SECONDS:-60}" cargo nextest run --workspace --no-capture -E "test(load::)"
OUTAGE_SECONDS="${OUTAGE_SECONDS:-30}" cargo nextest run --workspace -E "test(outage::)"
for round in $(seq "${ROUNDS:-5}"); do
  echo "round $round"
  cargo nextest run --workspace -E "test(crash::)"
done
