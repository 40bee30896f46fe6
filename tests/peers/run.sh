#!/usr/bin/env bash
# What Tenantry says of a schema beside what pgrls and splinter say of a database that is built from the same migrations.
#
#     tests/peers/run.sh [FOLDER]      ../fixtures/pitfalls by default; FOLDER has a tenantry.toml, and its .sql files below migrations/
#
# PGRLS is the command of pgrls (from PyPI), SPLINTER the file splinter.sql of supabase/splinter; one that is missing is left
# out. TENANTRY names the binary. Wants the machine's own PostgreSQL. Prints a table in Markdown: the things of the schema,
# and what each program says of them.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
folder=$(cd "${1:-$here/../fixtures/pitfalls}" && pwd)
root=$(cd "$here/../.." && pwd)
binary=${TENANTRY:-}
if [ -n "$binary" ]; then
  binary=$(realpath "$binary")
else
  (cd "$root" && cargo build --quiet --locked -p cargo-tenantry)
  binary=${CARGO_TARGET_DIR:-$root/target}/debug/cargo-tenantry
fi

export TENANTRY_UP=$root/target/peers-up
work=$(mktemp -d)
trap '"$root/tools/devdb.sh" stop >/dev/null 2>&1; rm -rf "$work"' EXIT INT TERM
url=$("$root/tools/devdb.sh" start)
programs=$("$root/tools/devdb.sh" find)
sql() { PGOPTIONS='-c client_min_messages=error' "$programs/psql" -X -q -At "$url" "$@"; }

# Splinter takes these roles and schemas for granted.
for role in anon authenticated service_role; do sql -c "CREATE ROLE $role" 2>/dev/null || true; done
sql -c 'CREATE SCHEMA auth; CREATE SCHEMA extensions; GRANT USAGE ON SCHEMA public TO anon, authenticated'
sql -c 'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO anon, authenticated'
find "$folder" -path '*migrations*' -name '*.sql' ! -name '*.down.sql' | sort | while IFS= read -r file; do
  # A statement that needs an extension which is not there is told, and left out.
  sql -f "$file" 2>&1 | grep ERROR >&2 || true
done

(cd "$folder" && "$binary" tenantry check --exit-zero --output "json=$work/tenantry.json" >/dev/null)
if [ -n "${PGRLS:-}" ]; then
  $PGRLS lint --database-url "$url" --schemas public --format json >"$work/pgrls.json" 2>/dev/null || true
fi
if [ -n "${SPLINTER:-}" ]; then
  { printf "SET pgrst.db_schemas = 'public';\nBEGIN;\n"; cat "$SPLINTER"; } >"$work/splinter.sql"
  sql --csv -f "$work/splinter.sql" >"$work/splinter.csv"
fi
python3 "$here/compare.py" "$folder" "$work"
