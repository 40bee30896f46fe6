#!/usr/bin/env bash
# Starts and stops the example for real.
#
#   tools/up.sh up      a database, the migrations, two tenants with data, the service on a free loopback port
#   tools/up.sh down    stops both
#
# `up` fails with status 3 where no PostgreSQL server is to be had. State is kept in $TENANTRY_UP
# (target/tenantry-up by default): `service.pid`, `service.url`, `service.log`, and what devdb.sh keeps.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
export TENANTRY_UP=${TENANTRY_UP:-$here/target/tenantry-up}
state=$TENANTRY_UP
example=$here/examples/orders
built=${CARGO_TARGET_DIR:-$example/target}

serving() { [ -f "$state/service.pid" ] && kill -0 "$(cat "$state/service.pid")" 2>/dev/null; }

tell() {
  cat <<TEXT
The example answers on $(cat "$state/service.url"). Call it as either tenant:
  curl -H 'Authorization: Bearer acme-dev-token'   $(cat "$state/service.url")/orders
  curl -H 'Authorization: Bearer globex-dev-token' $(cat "$state/service.url")/orders
Globex's order, asked for by Acme, is mistake 1 of examples/orders/README.md:
  curl -H 'Authorization: Bearer acme-dev-token'   $(cat "$state/service.url")/orders/bbbbbbbb-0000-4000-8000-000000000101
\`make down\` stops it.
TEXT
}

up() {
  local bin url address tries
  if serving; then tell; return 0; fi
  bin=$("$here/tools/devdb.sh" find) || return 3
  cargo build --quiet --locked --manifest-path "$example/Cargo.toml"
  url=$("$here/tools/devdb.sh" start)
  export DATABASE_URL=$url
  "$built/debug/orders" migrate
  # Seeding twice would fail on the first key; a database that was there before has its tenants.
  if [ "$("$bin/psql" -X -A -t -d "$url" -c 'SELECT count(*) FROM organizations')" = 0 ]; then
    "$bin/psql" -X -q -v ON_ERROR_STOP=1 -1 -d "$url" -f "$example/dev/seed.sql"
  fi
  nohup "$built/debug/orders" serve >"$state/service.log" 2>&1 </dev/null &
  printf '%s\n' "$!" >"$state/service.pid"
  tries=0
  until address=$(sed -n 's/^listening on //p' "$state/service.log") && [ -n "$address" ]; do
    tries=$((tries + 1))
    if [ "$tries" -gt 300 ] || ! serving; then
      printf 'up: the service did not start, see %s\n' "$state/service.log" >&2
      return 1
    fi
    sleep 0.1
  done
  printf 'http://%s\n' "$address" >"$state/service.url"
  tell
}

down() {
  if serving; then kill "$(cat "$state/service.pid")"; fi
  rm -f "$state/service.pid" "$state/service.url"
  "$here/tools/devdb.sh" stop
}

case "${1:-}" in
  up) up ;;
  down) down ;;
  *) sed -n '2,8p' "$0" >&2; exit 2 ;;
esac
