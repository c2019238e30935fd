#!/usr/bin/env bash
# Builds web/ui into web/ui/dist when something it is made of changed.
set -euo pipefail
cd "$(dirname "$0")/../web/ui"
stamp=dist/.built-from
now=$(find . -path ./node_modules -prune -o -path ./dist -prune -o -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum)
[ -f dist/index.html ] && [ "$(cat "$stamp" 2>/dev/null)" = "$now" ] && exit 0
echo "Building the web application"
npm run --silent build
echo "$now" > "$stamp"
