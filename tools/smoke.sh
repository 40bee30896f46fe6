#!/usr/bin/env bash
# Checks the example, holds the findings against examples/orders/expected.txt, and shows one of them at work.
# Needs a Rust toolchain; the last part needs a PostgreSQL server on the machine, and says so where there is none.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
cd "$here"
export TENANTRY_UP=${TENANTRY_UP:-$here/target/tenantry-up}
out=$here/target/smoke
mkdir -p "$out"
rm -f "$out/orders.sarif"

smoke() { cargo run --quiet --locked --manifest-path examples/smoke/Cargo.toml --target-dir "$out/build" -- "$@"; }

# 1 is "something was found", which is what the example is for; anything above is a failure of the check itself.
status=0
cargo run --quiet --locked -p cargo-tenantry -- tenantry check examples/orders --output human --output "sarif-github=$out/orders.sarif" || status=$?
if [ "$status" -gt 1 ]; then
  printf 'smoke: the check itself failed (exit code %s)\n' "$status" >&2
  exit 1
fi
smoke compare examples/orders "$out/orders.sarif"

was_up=no
if [ -f "$TENANTRY_UP/service.pid" ] && kill -0 "$(cat "$TENANTRY_UP/service.pid")" 2>/dev/null; then was_up=yes; fi
status=0
tools/up.sh up >"$out/up.log" || status=$?
if [ "$status" -eq 3 ]; then
  printf 'smoke: checked the sources only; to see a mistake at work, a PostgreSQL server is needed\n'
  exit 0
fi
status_call=$status
if [ "$status" -eq 0 ]; then smoke call "$(cat "$TENANTRY_UP/service.url")" || status_call=$?; fi
if [ "$was_up" = no ]; then tools/up.sh down; fi
exit "$status_call"
