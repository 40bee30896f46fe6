#!/usr/bin/env bash
# What the macros cost, as docs/performance.md shows it: cold builds beside sqlx with its macros, and `cargo check` of crates
# with 500 functions with and without marks: such as do nothing but run a query, and those of a service. Times are those of
# the processor, user and system, of all processes that cargo starts: the clock depends on the load. Everything lies below
# target/macros-cost.
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
unset RUSTFLAGS CARGO_TARGET_DIR CARGO_BUILD_TARGET_DIR TENANTRY_NO_CACHE

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

# The tables of both crates.
project() { # folder
  printf '[tenancy]\nkeys = ["org_id"]\nroot = "orgs.id"\n' >"$1/tenantry.toml"
  printf 'CREATE TABLE orgs (id bigint PRIMARY KEY);\nCREATE TABLE orders (id bigint PRIMARY KEY, org_id bigint NOT NULL REFERENCES orgs (id), total bigint NOT NULL, status text NOT NULL, note text);\nCREATE TABLE lines (id bigint PRIMARY KEY, org_id bigint NOT NULL REFERENCES orgs (id), order_id bigint NOT NULL REFERENCES orders (id), text text);\n' >"$1/migrations/1_a.sql"
}

# A module of a service: five functions, as they are written by hand.
module() { # mark, number
  sed -e "s/#\[mark\]/$1/" -e "s/NUMBER/$2/g" <<'RUST'
//! Orders, for the NUMBERth time.

use sqlx::{FromRow, PgPool};
use tenantry::*;

use crate::error::Error;

/// An order.
#[derive(Clone, Debug, PartialEq, FromRow)]
pub struct Order {
    pub id: i64,
    pub total: i64,
    pub status: String,
    pub note: Option<String>,
}

/// What a new order needs.
#[derive(Clone, Debug)]
pub struct NewOrder {
    pub total: i64,
    pub note: Option<String>,
    pub lines: Vec<String>,
}

/// The newest orders.
#[mark]
pub async fn list(pool: &PgPool, tenant: TenantId<i64>, status: Option<&str>, page: i64) -> Result<Vec<Order>, Error> {
    let size = 50;
    let orders: Vec<Order> = sqlx::query_as(
        "SELECT id, total, status, note FROM orders
         WHERE org_id = $1 AND total > NUMBER AND ($2::text IS NULL OR status = $2)
         ORDER BY id DESC LIMIT $3 OFFSET $4",
    )
    .bind(tenant)
    .bind(status)
    .bind(size)
    .bind(page.max(0) * size)
    .fetch_all(pool)
    .await?;
    if orders.iter().any(|order| order.total < 0) {
        return Err(Error::Invalid(format!("an order of {} costs less than nothing", orders.len())));
    }
    Ok(orders)
}

/// One of them.
#[mark]
pub async fn find(pool: &PgPool, tenant: TenantId<i64>, id: i64) -> Result<Order, Error> {
    let found = sqlx::query_as::<_, Order>("SELECT id, total, status, note FROM orders WHERE org_id = $1 AND id = $2")
        .bind(tenant)
        .bind(id)
        .fetch_optional(pool)
        .await?;
    match found {
        Some(order) if order.status != "deleted" => Ok(order),
        Some(_) => Err(Error::Gone),
        None => Err(Error::NotFound),
    }
}

/// Makes one, with its lines.
#[mark]
pub async fn create(pool: &PgPool, tenant: TenantId<i64>, new: &NewOrder) -> Result<i64, Error> {
    if new.lines.is_empty() {
        return Err(Error::Invalid("an order has lines".to_owned()));
    }
    let mut transaction = pool.begin().await?;
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO orders (org_id, total, status, note) VALUES ($1, $2, 'open', $3) RETURNING id",
    )
    .bind(tenant)
    .bind(new.total)
    .bind(new.note.as_deref())
    .fetch_one(&mut *transaction)
    .await?;
    for line in &new.lines {
        sqlx::query("INSERT INTO lines (org_id, order_id, text) SELECT $1, o.id, $3 FROM orders o WHERE o.org_id = $1 AND o.id = $2")
            .bind(tenant)
            .bind(id)
            .bind(line)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(id)
}

/// Closes one.
#[mark]
pub async fn close(pool: &PgPool, tenant: TenantId<i64>, id: i64, note: Option<String>) -> Result<(), Error> {
    let done = sqlx::query("UPDATE orders SET status = 'closed', note = coalesce($3, note) WHERE org_id = $1 AND id = $2")
        .bind(tenant)
        .bind(id)
        .bind(note)
        .execute(pool)
        .await?;
    match done.rows_affected() {
        0 => Err(Error::NotFound),
        _ => Ok(()),
    }
}

/// What they come to, by status.
#[mark]
pub async fn totals(pool: &PgPool, tenant: TenantId<i64>, since: i64) -> Result<Vec<(String, i64)>, Error> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT o.status, count(l.id) FROM orders o
         LEFT JOIN lines l ON l.order_id = o.id AND l.org_id = o.org_id
         WHERE o.org_id = $1 AND o.id >= $2 GROUP BY o.status ORDER BY 2 DESC",
    )
    .bind(tenant)
    .bind(since)
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().filter(|(status, count)| *count > 0 && status != "deleted").collect())
}
RUST
}

service() { # mark, folder
  mkdir -p "$2"
  cat >"$2/error.rs" <<'RUST'
//! What goes wrong.

use std::fmt;

#[derive(Debug)]
pub enum Error {
    Database(sqlx::Error),
    Invalid(String),
    NotFound,
    Gone,
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Error {
        Error::Database(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Database(error) => write!(f, "the database: {error}"),
            Error::Invalid(why) => f.write_str(why),
            Error::NotFound => f.write_str("not found"),
            Error::Gone => f.write_str("gone"),
        }
    }
}

impl std::error::Error for Error {}
RUST
  printf 'pub mod error;\n' >"$2/lib.rs"
  for at in $(seq $((functions / 5))); do
    module "$1" "$at" >"$2/orders$at.rs"
    printf 'pub mod orders%s;\n' "$at" >>"$2/lib.rs"
  done
}

forget() { rm -rf "$1/tenantry/marks"; }
# An edit of one function, of the file that is given.
edited() { sed -i "s/let size = [0-9]*;/let size = 5$1;/; s/total > 1 /total > 1$1 /" "$2"; }

crate functions "tenantry = { path = \"$here/runtime\" }"
cd "$out/functions"
project .
target=$out/tenantry-cold/target
check() { spent cargo check --offline --target-dir "$target"; }
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
    forget "$target"
    check >>"$out/$kind.times"
    case $kind in marked)
      touch src/lib.rs
      check >>"$out/again.times"
      edited "$run" src/lib.rs
      check >>"$out/edited.times" ;;
    esac
  done
done

# As cargo builds for everybody, incrementally.
unset CARGO_INCREMENTAL
crate service "tenantry = { path = \"$here/runtime\", features = [\"sqlx\"] }
sqlx = { version = \"0.9\", default-features = false, features = [\"macros\", \"postgres\", \"runtime-tokio\"] }"
cd "$out/service"
project .
target=$out/service/target
(service '' src && check >/dev/null)
for run in $(seq "$runs"); do
  for kind in '' '#[tenant_scoped]'; do
    name=service${kind:+-marked}
    service "$kind" src
    forget "$target"
    rm -rf "$target"/debug/incremental/service-*
    check >>"$out/$name.times"
    touch src/lib.rs
    check >>"$out/$name-again.times"
    edited "$run" src/orders1.rs
    check >>"$out/$name-edited.times"
  done
done

of() { median <"$out/$1.times"; }
line() { # what, name, beside
  awk -v what="$1" -v a="$(of "$2")" -v b="$(of "${3:-$2}")" -v alone="${3:-}" 'BEGIN {
    printf "%-52s %9.3f s", what, a
    if (alone != "") printf "   %+.1f%%", (a / b - 1) * 100
    print ""
  }'
}
printf '\n'
line 'cold build with tenantry and its macros' tenantry-cold
line 'cold build with sqlx and its macros' sqlx-cold
awk -v t="$(of tenantry-cold)" -v s="$(of sqlx-cold)" 'BEGIN { printf "tenantry takes %.2f of it\n", t / s }'
line "$functions functions, unmarked" unmarked
line "$functions functions, marked, nothing kept" marked unmarked
line 'the same, when all is as it was' again unmarked
line 'the same, when the file was edited' edited unmarked
line 'one function, unmarked' none
line 'one function, marked, which loads the project' one none
awk -v u="$(of unmarked)" -v m="$(of marked)" -v o="$(of one)" -v e="$(of none)" -v n="$functions" \
  'BEGIN { printf "%-52s %9.3f ms\n", "each further marked function", ((m - u) - (o - e)) / (n - 1) * 1000 }'
line "service of $functions functions, unmarked" service
line 'the same, marked, nothing kept' service-marked service
line 'checked again, unmarked' service-again
line 'checked again, marked' service-marked-again service-again
line 'after an edit of one function, unmarked' service-edited
line 'after an edit of one function, marked' service-marked-edited service-edited
