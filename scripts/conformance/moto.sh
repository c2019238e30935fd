#!/usr/bin/env bash
# Another S3 store, Moto (PyPI): the tests that upload, publish, deliver and delete run against it as they are.
# Its version 5.2.5 answers ListParts with a root element that is not S3's (`ListPartsResponse`), which the AWS SDK refuses.
set -euo pipefail
cd "$(dirname "$0")/../.."
target="${CARGO_TARGET_DIR:-target}"
venv="$target/moto-venv"
if [[ ! -x "$venv/bin/moto_server" ]]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check "moto[server]==5.0.28"
fi
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$venv/bin/moto_server" -H 127.0.0.1 -p "$port" > "$target/moto.log" 2>&1 &
moto=$!
trap 'kill "$moto"' EXIT
until curl --silent --output /dev/null "http://127.0.0.1:$port/"; do kill -0 "$moto"; sleep 0.2; done
TEST_S3_ENDPOINT="http://127.0.0.1:$port" cargo nextest run --workspace \
  -E 'test(the_same_calls_work_over_a_socket) or test(an_upload_in_parts_works_over_a_socket) or test(a_transcoder_in_a_process_of_its_own)'
