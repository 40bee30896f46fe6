#!/bin/sh
# What is said of a real repository: sites by verdict, the share that is decided, and why the rest is not.
#
#     tests/real/measure.sh REPO_DIR CONFIG [COMMIT [PATH…]]
#
# REPO_DIR is a git clone and is not written to: COMMIT (by default HEAD), or the PATHs of it, is laid out in a folder of
# its own, with CONFIG as its tenantry.toml (`-` for none). TENANTRY names the binary, REPORT a file to keep the report in.
set -eu

usage() {
    echo "usage: $0 REPO_DIR CONFIG [COMMIT [PATH...]]" >&2
    exit 2
}

[ $# -ge 2 ] || usage
here=$(cd "$(dirname "$0")" && pwd)
repo=$1
config=$2
commit=${3:-HEAD}
if [ $# -ge 3 ]; then shift 3; else shift 2; fi

binary=${TENANTRY:-}
if [ -z "$binary" ]; then
    (cd "$here/../.." && cargo build --quiet --locked -p cargo-tenantry)
    binary=$(cd "$here/../.." && cargo metadata --format-version 1 --no-deps --offline |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')/debug/cargo-tenantry
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
git -C "$repo" archive "$commit" "$@" | tar -x -C "$folder"
if [ "$config" != - ]; then cp "$config" "$folder/tenantry.toml"; fi

report=${REPORT:-$folder/report.json}
case $report in /*) ;; *) report=$PWD/$report ;; esac
(cd "$folder" && "$binary" tenantry check --exit-zero --output "json=$report")
echo "commit $(git -C "$repo" rev-parse "$commit")"
python3 "$here/report.py" summary "$report"
