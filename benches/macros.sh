#!/usr/bin/env bash
# What the macros cost: cold builds in user CPU time beside sqlx with its macros, and `cargo check` of a crate with 500 functions
# with and without marks. Everything lies below target/macros-cost; times are user CPU, since the clock depends on the load.
set -eu

cd "$(dirname "$0")/.."
here=$PWD
out=$here/target/macros-cost
rm -rf "$out"
mkdir -p "$out"
export CARGO_PROFILE_DEV_DEBUG=0 CARGO_INCREMENTAL=0

crate() { # name, dependencies
  mkdir -p "$out/$1/src" "$out/$1/migrations" "$out/$1/.git"
  printf '[workspace]\n[package]\nname = "%s"\nversion = "0.1.0"\nedition = "2024"\n[dependencies]\n%s\n' "$1" "$2" >"$out/$1/Cargo.toml"
  [ -s "$out/$1/src/lib.rs" ] || : >"$out/$1/src/lib.rs"
}

user() { # command…: its user CPU seconds
  local TIMEFORMAT=%U
  { time "$@" >"$out/log" 2>&1; } 2>&1 || { cat "$out/log" >&2; exit 1; }
}

functions() { # mark
  printf 'use tenantry::*;\npub mod sqlx { pub struct PgPool; pub struct Query; pub fn query(_: &str) -> Query { Query } impl Query { pub fn bind<T>(self, _: T) -> Query { self } } }\n'
  for at in $(seq 500); do
    printf '%s\npub fn f%s(tenant: TenantId<i64>, id: i64) -> sqlx::Query {\n    sqlx::query("SELECT o.id, o.total, l.text FROM orders o JOIN lines l ON l.order_id = o.id AND l.org_id = o.org_id WHERE o.org_id = $1 AND o.id = $2 AND o.total > %s ORDER BY o.id").bind(tenant).bind(id)\n}\n' "$1" "$at" "$at"
  done
}

crate tenantry-cold "tenantry = { path = \"$here/runtime\" }"
crate sqlx-cold 'sqlx = { version = "0.9", default-features = false, features = ["macros", "postgres", "runtime-tokio"] }'
for name in tenantry-cold sqlx-cold; do
  (cd "$out/$name" && cargo fetch --quiet)
  printf '%s: %s s\n' "$name" "$(cd "$out/$name" && user cargo check --offline)"
done

crate functions "tenantry = { path = \"$here/runtime\" }"
cd "$out/functions"
printf '[tenancy]\nkeys = ["org_id"]\nroot = "orgs.id"\n' >tenantry.toml
printf 'CREATE TABLE orgs (id bigint PRIMARY KEY);\nCREATE TABLE orders (id bigint PRIMARY KEY, org_id bigint NOT NULL REFERENCES orgs (id), total bigint);\nCREATE TABLE lines (id bigint PRIMARY KEY, org_id bigint NOT NULL REFERENCES orgs (id), order_id bigint NOT NULL REFERENCES orders (id), text text);\n' >migrations/1_a.sql
functions '' >src/lib.rs
user cargo check --offline --target-dir "$out/tenantry-cold/target" >/dev/null
for mark in '' '#[tenant_scoped]'; do
  functions "$mark" >src/lib.rs
  for run in 1 2 3 4 5; do
    touch src/lib.rs
    printf '500 functions, %s, run %s: %s s\n' "${mark:-unmarked}" "$run" "$(user cargo check --offline --target-dir "$out/tenantry-cold/target")"
  done
done
