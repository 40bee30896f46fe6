#!/usr/bin/env bash
# A throw-away PostgreSQL of the machine, for the example.
#
#   tools/devdb.sh find      prints the folder of PostgreSQL's programs; fails, and says why, if there is none
#   tools/devdb.sh start     starts a server with an empty database `orders`, prints its URL
#   tools/devdb.sh url       prints the URL of the running server
#   tools/devdb.sh stop      stops it and removes its data
#
# The programs are looked for in $TENANTRY_PG_BIN, on PATH, in /usr/lib/postgresql/*/bin, and where `pg_config` points.
# The server listens on a unix socket only. State is kept in $TENANTRY_UP (target/tenantry-up by default).
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
state=${TENANTRY_UP:-$here/target/tenantry-up}

say() { printf 'devdb: %s\n' "$*" >&2; }

# PATH may hold wrappers or links; what counts is that the three programs lie in one folder.
complete() { [ -x "$1/initdb" ] && [ -x "$1/postgres" ] && [ -x "$1/pg_ctl" ] && [ -x "$1/psql" ]; }

find_programs() {
  local candidate
  if [ -n "${TENANTRY_PG_BIN:-}" ]; then
    complete "$TENANTRY_PG_BIN" && { printf '%s\n' "$TENANTRY_PG_BIN"; return 0; }
    say "TENANTRY_PG_BIN is $TENANTRY_PG_BIN, which does not hold initdb, postgres, pg_ctl and psql"
    return 1
  fi
  if candidate=$(command -v initdb); then
    candidate=$(dirname "$(readlink -f "$candidate")")
    complete "$candidate" && { printf '%s\n' "$candidate"; return 0; }
  fi
  # The newest version first.
  while IFS= read -r candidate; do
    complete "$candidate" && { printf '%s\n' "$candidate"; return 0; }
  done < <(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -t/ -k5,5nr)
  if command -v pg_config >/dev/null 2>&1; then
    candidate=$(pg_config --bindir)
    complete "$candidate" && { printf '%s\n' "$candidate"; return 0; }
  fi
  say 'no PostgreSQL server on this machine (install one, or point TENANTRY_PG_BIN at its programs)'
  return 1
}

# PostgreSQL refuses to run as root.
as_owner() {
  if [ "$(id -u)" -ne 0 ]; then
    "$@"
  elif command -v setpriv >/dev/null 2>&1; then
    setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@"
  else
    say 'cannot give up root: setpriv (util-linux) is missing; run as another user'
    return 1
  fi
}

url() { printf 'postgres://postgres@localhost/orders?host=%s\n' "$1"; }

running() {
  [ -f "$state/data" ] && [ -f "$(cat "$state/data")/pg/postmaster.pid" ] && kill -0 "$(head -n 1 "$(cat "$state/data")/pg/postmaster.pid")" 2>/dev/null
}

start() {
  local bin data
  if running; then url "$(cat "$state/data")"; return 0; fi
  bin=$(find_programs)
  mkdir -p "$state"
  # A socket's path may be 107 bytes long at most: not below target/.
  data=$(mktemp -d /tmp/tenantry-up.XXXXXX)
  chmod 755 "$data"
  [ "$(id -u)" -ne 0 ] || chown 65534:65534 "$data"
  printf '%s\n' "$data" >"$state/data"
  (cd "$data" && as_owner "$bin/initdb" --no-sync -A trust -U postgres -E UTF8 --no-locale -D "$data/pg" >"$state/initdb.log" 2>&1) || { say "initdb failed, see $state/initdb.log"; return 1; }
  (cd "$data" && as_owner "$bin/pg_ctl" -D "$data/pg" -l "$data/server.log" -w -t 60 -o "-c listen_addresses='' -c unix_socket_directories=$data -c fsync=off" start >"$state/pg_ctl.log" 2>&1) || { say "the server did not start, see $data/server.log"; return 1; }
  (cd "$data" && as_owner "$bin/psql" -X -q -h "$data" -U postgres -c 'CREATE DATABASE orders' postgres)
  url "$data"
}

stop() {
  local data
  [ -f "$state/data" ] || { say 'not running'; return 0; }
  data=$(cat "$state/data")
  if running; then
    (cd "$data" && as_owner "$(find_programs)/pg_ctl" -D "$data/pg" -m immediate -w stop >/dev/null)
  fi
  # Only what `start` made.
  case "$data" in /tmp/tenantry-up.*) rm -rf -- "$data" ;; esac
  rm -f "$state/data"
}

case "${1:-}" in
  find) find_programs ;;
  start) start ;;
  url) running && url "$(cat "$state/data")" ;;
  stop) stop ;;
  *) sed -n '2,10p' "$0" >&2; exit 2 ;;
esac
