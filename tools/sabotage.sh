#!/usr/bin/env bash
# Breaks one rule of the proof at a time, and lets the oracle catch it.
#
#   tools/sabotage.sh [RULE...]      all twenty rules by default; prints a table: rule, statements until caught, seconds, statement
#
# A rule is broken by `--cfg tenantry_sabotage="RULE"`. It is handed to this workspace's crates alone, so that the others need
# not be built again for each rule; `RUSTFLAGS='--cfg tenantry_sabotage="RULE"'` does the same.
# SECONDS_EACH (60) is how long a rule may take to be caught once it is built.
set -eu

cd "$(dirname "$0")/.."
rules=${*:-or left-join limit group-by window distinct-on set-operation negated-subquery conflict-target cascade \
  rls-permissive rls-command rls-role rls-owner rls-enabled rls-view rls-select rls-check rls-using rls-perhaps}
target=${CARGO_TARGET_DIR:-target}/sabotage
missed=0

printf '%-18s %10s %8s  %s\n' rule statements seconds 'shrunk statement'
for rule in $rules; do
  mkdir -p "$target/wrappers/$rule"
  wrapper=$(cd "$target/wrappers/$rule" && pwd)/rustc
  # The path differs from rule to rule, which is how cargo knows that it has to build again.
  printf '#!/bin/sh\nexec "$@" --cfg '"'"'tenantry_sabotage="%s"'"'"'\n' "$rule" >"$wrapper"
  chmod +x "$wrapper"
  RUSTC_WORKSPACE_WRAPPER=$wrapper cargo build --quiet --locked --profile oracle -p tenantry-oracle --bin tenantry-oracle --target-dir "$target"
  log=$target/$rule.log
  # What is a rule about policies wants schemas with policies.
  case $rule in rls-*) wanted=--policies ;; *) wanted= ;; esac
  # Whoever is not caught in time is not caught; to shrink what was caught may take longer.
  timeout 600 "$target/oracle/tenantry-oracle" run $wanted --first --seconds "${SECONDS_EACH:-60}" --statements 100000 --per-schema 100 \
    >"$log" 2>&1 || true
  after=$(sed -n 's/^UNSOUND after \([0-9]*\) statements.*/\1/p' "$log" | sort -n | head -n 1)
  seconds=$(sed -n 's/^[0-9]* statements in \([0-9.]*\) s.*/\1/p' "$log" | head -n 1)
  if [ -n "$after" ]; then
    shrunk=$(sed -n '/^-- statement:/{n;p;}' "$log" | awk '{ print length, $0 }' | sort -n | head -n 1 | cut -d' ' -f2-)
    printf '%-18s %10s %8s  %s\n' "$rule" "$after" "$seconds" "$shrunk"
  else
    printf '%-18s %10s\n' "$rule" 'not caught'
    missed=$((missed + 1))
  fi
done
[ "$missed" -eq 0 ]
