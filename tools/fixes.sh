#!/usr/bin/env bash
# Lets Tenantry mend a copy of tests/fixes, and compiles the copy against the libraries that its queries are written for.
# sqlx's macros ask a database while they are compiled: a throw-away PostgreSQL, or they are left out, which is said.
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

# What does not compile before says nothing afterwards.
compile() { cargo check --quiet --locked --manifest-path "$copy/Cargo.toml" --target-dir "$build" --features "$features"; }
compile
# 1 is "something is left", which is what cannot be mended.
status=0
cargo run --quiet --locked -p cargo-tenantry -- tenantry check "$copy" --no-cache --fix >"$copy/report.txt" || status=$?
if [ "$status" -gt 1 ]; then
  printf 'fixes: the check itself failed (exit code %s)\n' "$status" >&2
  exit 1
fi
compile
printf 'fixes: what was mended compiles\n'
