#!/usr/bin/env bash
# Checks of the running program against public tools. Without a name, lists them. Not part of `make test`.
set -euo pipefail
cd "$(dirname "$0")/.."
name="${1:-}"
if [[ ! -f "scripts/conformance/$name.sh" ]]; then
  echo "make conformance NAME=…, one of:"
  ls scripts/conformance/*.sh | sed -E 's#.*/(.*)\.sh#  \1#'
  exit 2
fi
exec bash "scripts/conformance/$name.sh"
