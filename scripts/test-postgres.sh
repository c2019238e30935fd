#!/bin/sh
# Starts one throw-away PostgreSQL (fsync off) for a test run and stops it when the run ends.
# nextest runs this before the tests (.config/nextest.toml); the tests find the server in LOCKSTEP_TEST_POSTGRES.
set -eu

say() { echo "test-postgres: $*" >&2; }

if [ -n "${LOCKSTEP_TEST_POSTGRES:-}" ]; then
    say "using the server of LOCKSTEP_TEST_POSTGRES"
    exit 0
fi
: "${NEXTEST_ENV:?runs as a nextest setup script}"
run=$PPID # nextest itself: the server lives as long as it does

bin=${PG_BIN:-}
if [ -z "$bin" ]; then
    for folder in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -Vr); do
        if [ -x "$folder/initdb" ]; then bin=$folder; break; fi
    done
fi
[ -x "$bin/initdb" ] || { say "no PostgreSQL found; install it (apt-get install postgresql) or set PG_BIN"; exit 1; }

as_server=""
folder=$(mktemp -d /tmp/lockstep-tests-XXXXXX)
if [ "$(id -u)" = 0 ]; then
    id postgres >/dev/null 2>&1 || { say "root cannot run PostgreSQL and there is no user postgres"; exit 1; }
    as_server="setpriv --reuid=postgres --regid=postgres --clear-groups --"
    chown postgres "$folder"
fi

cd /
if ! $as_server "$bin/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C -N >"$folder/initdb.log" 2>&1; then
    cat "$folder/initdb.log" >&2
    rm -rf "$folder"
    exit 1
fi

# The watchdog is the server's parent and outlives this script, never the run.
setsid sh -c '
    run=$1 folder=$2; shift 2
    "$@" -D "$folder/data" -k "$folder" -c listen_addresses= -c max_connections=300 -c fsync=off \
        -c synchronous_commit=off -c full_page_writes=off -c shared_buffers=64MB -c autovacuum_naptime=10 \
        >"$folder/log" 2>&1 &
    server=$!
    while kill -0 "$run" 2>/dev/null && kill -0 "$server" 2>/dev/null; do sleep 1; done
    kill -INT "$server" 2>/dev/null
    wait "$server"
    rm -rf "$folder"
' watchdog "$run" "$folder" $as_server "$bin/postgres" </dev/null >/dev/null 2>&1 &

tries=0
until "$bin/pg_isready" -q -h "$folder" -U postgres; do
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || { say "the server did not start:"; cat "$folder/log" >&2; exit 1; }
    sleep 0.1
done
echo "LOCKSTEP_TEST_POSTGRES=postgres://postgres@localhost/postgres?host=$(echo "$folder" | sed 's,/,%2F,g')" >>"$NEXTEST_ENV"
