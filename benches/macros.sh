#!/usr/bin/env bash
# What the macros cost, as docs/performance.md shows it: cold builds beside sqlx with its macros, and `cargo check` of a crate
# with 500 functions with and without marks. Times are those of the processor, user and system, of all processes that cargo
# starts: the clock depends on the load. Everything lies below target/macros-cost.
#
#   BENCH_COLD=3      how often each cold build is made
#   BENCH_RUNS=9      how often each crate with functions is checked
#   BENCH_FUNCTIONS=500
set -eu

cd "$(dirname "$0")/.."
here=$PWD
out=$here/target/macros-cost
cold=${BENCH_COLD:-3}
runs=${BENCH_RUNS:-9}
functions=${BENCH_FUNCTIONS:-500}
rm -rf "$out"
mkdir -p "$out"
export CARGO_PROFILE_DEV_DEBUG=0 CARGO_INCREMENTAL=0 LC_ALL=C
unset RUSTFLAGS CARGO_TARGET_DIR CARGO_BUILD_TARGET_DIR

crate() { # name, dependencies
  mkdir -p "$out/$1/src" "$out/$1/migrations" "$out/$1/.git"
  printf '[workspace]\n[package]\nname = "%s"\nversion = "0.1.0"\nedition = "2024"\n[dependencies]\n%s\n' "$1" "$2" >"$out/$1/Cargo.toml"
  [ -s "$out/$1/src/lib.rs" ] || : >"$out/$1/src/lib.rs"
}

spent() { # command…: the seconds of the processor that it takes
  local TIMEFORMAT='%U %S'
  { time "$@" >"$out/log" 2>&1; } 2>"$out/time" || { cat "$out/log" >&2; exit 1; }
  awk '{ printf "%.3f\n", $1 + $2 }' "$out/time"
}

median() { sort -n | awk '{ all[NR] = $1 } END { print (NR % 2) ? all[(NR + 1) / 2] : (all[NR / 2] + all[NR / 2 + 1]) / 2 }'; }

functions() { # mark, number
  printf 'use tenantry::*;\npub mod sqlx { pub struct PgPool; pub struct Query; pub fn query(_: &str) -> Query { Query } impl Query { pub fn bind<T>(self, _: T) -> Query { self } } }\n'
  for at in $(seq "$2"); do
    printf '%s\npub fn f%s(tenant: TenantId<i64>, id: i64) -> sqlx::Query {\n    sqlx::query("SELECT o.id, o.total, l.text FROM orders o JOIN lines l ON l.order_id = o.id AND l.org_id = o.org_id WHERE o.org_id = $1 AND o.id = $2 AND o.total > %s ORDER BY o.id").bind(tenant).bind(id)\n}\n' "$1" "$at" "$at"
  done
}

cold_build() { # crate
  rm -rf "$out/$1/target"
  (cd "$out/$1" && spent cargo check --offline)
}

crate tenantry-cold "tenantry = { path = \"$here/runtime\" }"
crate sqlx-cold 'sqlx = { version = "0.9", default-features = false, features = ["macros", "postgres", "runtime-tokio"] }'
for name in tenantry-cold sqlx-cold; do (cd "$out/$name" && cargo fetch --quiet); done
for run in $(seq "$cold"); do
  for name in tenantry-cold sqlx-cold; do
    took=$(cold_build "$name")
    printf '%s, cold, run %s: %s s\n' "$name" "$run" "$took"
    printf '%s\n' "$took" >>"$out/$name.times"
  done
done

crate functions "tenantry = { path = \"$here/runtime\" }"
cd "$out/functions"
printf '[tenancy]\nkeys = ["org_id"]\nroot = "orgs.id"\n' >tenantry.toml
printf 'CREATE TABLE orgs (id bigint PRIMARY KEY);\nCREATE TABLE orders (id bigint PRIMARY KEY, org_id bigint NOT NULL REFERENCES orgs (id), total bigint);\nCREATE TABLE lines (id bigint PRIMARY KEY, org_id bigint NOT NULL REFERENCES orgs (id), order_id bigint NOT NULL REFERENCES orders (id), text text);\n' >migrations/1_a.sql
check() { spent cargo check --offline --target-dir "$out/tenantry-cold/target"; }
functions '' 1 >src/lib.rs
check >/dev/null
functions '' "$functions" >"$out/unmarked.rs"
functions '#[tenant_scoped]' "$functions" >"$out/marked.rs"
functions '#[tenant_scoped]' 1 >"$out/one.rs"
functions '' 1 >"$out/none.rs"
# In turn, so that what else the machine does meets all of them.
for run in $(seq "$runs"); do
  for kind in unmarked marked one none; do
    cp "$out/$kind.rs" src/lib.rs
    check >>"$out/$kind.times"
  done
done

of() { median <"$out/$1.times"; }
awk -v t="$(of tenantry-cold)" -v s="$(of sqlx-cold)" -v u="$(of unmarked)" -v m="$(of marked)" -v o="$(of one)" -v e="$(of none)" -v n="$functions" 'BEGIN {
  print ""
  printf "cold build with tenantry and its macros  %9.1f s\n", t
  printf "cold build with sqlx and its macros      %9.1f s   tenantry takes %.2f of it\n", s, t / s
  printf "check of %d functions, unmarked         %9.3f s\n", n, u
  printf "check of %d functions, marked           %9.3f s   %+.1f%%\n", n, m, (m / u - 1) * 100
  printf "check of one function, unmarked          %9.3f s\n", e
  printf "check of one function, marked            %9.3f s   which loads the project\n", o
  printf "each further marked function             %9.3f ms\n", ((m - u) - (o - e)) / (n - 1) * 1000
}'
