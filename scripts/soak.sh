#!/usr/bin/env bash
# A minute of a full channel, each part gone for half a minute, the crash test again and again, then the optimised build in
# browsers (LOAD_SECONDS=60 OUTAGE_SECONDS=30 ROUNDS=5 SPECS="party player uploads").
set -euo pipefail
cd "$(dirname "$0")/.."
LOAD_SECONDS="${LOAD_SECONDS:-60}" cargo nextest run --workspace --no-capture -E "test(load::)"
OUTAGE_SECONDS="${OUTAGE_SECONDS:-30}" cargo nextest run --workspace -E "test(outage::)"
for round in $(seq "${ROUNDS:-5}"); do
  echo "round $round"
  cargo nextest run --workspace -E "test(crash::)"
done
# shellcheck disable=SC2086 # Each word is a spec.
PROFILE=release bash scripts/e2e.sh ${SPECS:-party player uploads}
