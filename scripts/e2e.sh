#!/usr/bin/env bash
# Browser tests: real Chromium, real media, the real program on free ports (PROFILE=release: as `make run` builds it).
# Prints `N passed, N failed` last.
set -euo pipefail
cd "$(dirname "$0")/.."
profile="${PROFILE:-debug}"
if [ "$profile" = release ]; then
  cargo build --release --quiet --workspace --bin lockstep --bin lockstep-media
else
  # As the Rust tests are built: another set of features would build every dependency once more.
  cargo test --workspace --no-run --quiet
fi
target="${CARGO_TARGET_DIR:-target}"
export LOCKSTEP_PROGRAM="$(realpath "$target/$profile/lockstep")"
export LOCKSTEP_CLIPS="$(realpath -m "$target/test-clips")"
bash scripts/make-clips.sh "$LOCKSTEP_CLIPS"
cd web/e2e
report=results/report.json
rm -rf results && mkdir -p results
status=0
PLAYWRIGHT_JSON_OUTPUT_NAME="$report" npx playwright test --reporter=list,json "$@" || status=$?
node -e '
  const { stats } = JSON.parse(require("node:fs").readFileSync(process.argv[1], "utf8"));
  console.log(`${stats.expected + stats.flaky} passed, ${stats.unexpected} failed`);
  if (stats.expected + stats.flaky === 0) process.exit(1);
' "$report" || status=1
exit "$status"
