#!/usr/bin/env bash
# Lets Tenantry mend a copy of tests/fixes, and compiles the copy against the libraries that its queries are written for.
# sqlx's macros ask a database while they are compiled: a throw-away PostgreSQL, or they are left out, which is said.
# Then it mends a copy of examples/orders, whose own tests have to pass before and after; they need that database too.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
cd "$here"
copy=$here/target/fixes/copy
build=$here/target/fixes/build
rm -rf "$copy"
mkdir -p "$copy"
cp -R tests/fixes/Cargo.toml tests/fixes/Cargo.lock tests/fixes/tenantry.toml tests/fixes/migrations tests/fixes/src "$copy"

features=
export TENANTRY_UP=$here/target/fixes/database
if bin=$(tools/devdb.sh find); then
  url=$(tools/devdb.sh start)
  trap 'tools/devdb.sh stop' EXIT
  "$bin/psql" -X -q -v ON_ERROR_STOP=1 -1 -d "$url" -f tests/fixes/migrations/1_init.sql
  export DATABASE_URL=$url
  features=macros
else
  printf 'fixes: without a PostgreSQL server the macros of sqlx are not compiled\n'
fi

# 1 is "something is left", which is what cannot be mended.
mend() {
  status=0
  cargo run --quiet --locked -p cargo-tenantry -- tenantry check "$1" --no-cache --fix >"$1/report.txt" || status=$?
  if [ "$status" -gt 1 ]; then
    printf 'fixes: the check itself failed (exit code %s)\n' "$status" >&2
    exit 1
  fi
}

# What does not compile before says nothing afterwards.
compile() { cargo check --quiet --locked --manifest-path "$copy/Cargo.toml" --target-dir "$build" --features "$features"; }
compile
mend "$copy"
compile
printf 'fixes: what was mended compiles\n'

[ -n "$features" ] || exit 0
example=$here/target/fixes/orders
rm -rf "$example"
mkdir -p "$example"
cp -R examples/orders/Cargo.toml examples/orders/Cargo.lock examples/orders/tenantry.toml examples/orders/dev \
  examples/orders/migrations examples/orders/queries examples/orders/src "$example"
pass() { cargo test --quiet --locked --manifest-path "$example/Cargo.toml" --target-dir "$build"; }
pass
mend "$example"
pass
printf 'fixes: the tests of the example pass with what was mended\n'
