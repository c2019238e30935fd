#!/usr/bin/env bash
# Installs what is missing and says what cannot be installed from here. Safe to run again.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
  build-essential pkg-config clang libclang-dev git ca-certificates curl
  libavcodec-dev libavformat-dev libavutil-dev libavfilter-dev libswscale-dev libswresample-dev ffmpeg
  postgresql redis-server chromium fonts-dejavu-core fonts-liberation strace unzip python3 python3-pip python3-venv
)

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

install_packages() {
  local missing=() name
  for name in "${packages[@]}"; do
    dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed || missing+=("$name")
  done
  [ "${#missing[@]}" -eq 0 ] && return
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "Missing packages: ${missing[*]}. Run: apt-get install ${missing[*]}" >&2; exit 1; }
    as_root=(sudo)
  fi
  say "Installing Debian packages: ${missing[*]}"
  "${as_root[@]}" apt-get update -q
  # The packages' own services are not wanted: Lockstep starts its own.
  local policy=/usr/sbin/policy-rc.d made=0
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod +x "$policy"
    made=1
  fi
  local status=0
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}" || status=$?
  [ "$made" -eq 1 ] && "${as_root[@]}" rm -f "$policy"
  return "$status"
}

check_rust() {
  local wanted=1.95 have
  if ! command -v cargo >/dev/null; then
    echo "Rust is missing. Get it from rustup (https://rustup.rs): rustup toolchain install $wanted" >&2; exit 1
  fi
  have=$(rustc --version | sed -E 's/^rustc ([0-9]+\.[0-9]+).*/\1/')
  if [ "$(printf '%s\n%s\n' "$wanted" "$have" | sort -V | head -1)" != "$wanted" ]; then
    echo "Rust $wanted or newer is needed, this is $have. Run: rustup update stable" >&2; exit 1
  fi
}

check_node() {
  local have
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    echo "Node.js 20 or newer with npm is missing (Debian 12's own is too old). Get it from https://nodejs.org" >&2; exit 1
  fi
  have=$(node --version | sed -E 's/^v([0-9]+).*/\1/')
  if [ "$have" -lt 20 ]; then
    echo "Node.js 20 or newer is needed, this is $(node --version). Get it from https://nodejs.org" >&2; exit 1
  fi
}

check_nextest() {
  [ "${1:-}" = "--with-nextest" ] || return 0
  cargo nextest --version >/dev/null 2>&1 && return
  say "Installing cargo-nextest (about five minutes)"
  cargo install --locked cargo-nextest
}

npm_packages() {
  local folder
  for folder in web/ui web/e2e; do
    [ -f "$folder/package-lock.json" ] || continue
    # Only when the lock file changed since the last installation.
    if ! cmp -s "$folder/package-lock.json" "$folder/node_modules/.installed-lock" 2>/dev/null; then
      say "Installing npm packages in $folder"
      (cd "$folder" && npm ci --no-audit --no-fund --loglevel=error)
      cp "$folder/package-lock.json" "$folder/node_modules/.installed-lock"
    fi
  done
}

install_packages
check_rust
check_node
check_nextest "${1:-}"
npm_packages
