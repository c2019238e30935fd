#!/usr/bin/env bash
# The crash test, again and again (ROUNDS=5).
set -euo pipefail
cd "$(dirname "$0")/.."
for round in $(seq "${ROUNDS:-5}"); do
  echo "round $round"
  cargo nextest run --workspace -E "test(crash::)"
done
