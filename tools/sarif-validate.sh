#!/usr/bin/env bash
# Validates SARIF files with Microsoft's validator: the example's, and each file given as an argument.
#
# The validator's program is called directly: through npx a shell would split the rule kinds at the semicolon, and
# only half of the rules would run. Its exit code says nothing of errors either; what counts is its report.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
cd "$here"
version=5.7.0
tool=$here/target/sarif-multitool
program=$tool/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool
out=$here/target/sarif-validate
mkdir -p "$tool" "$out"

if [ ! -f "$program" ]; then
  command -v npm >/dev/null 2>&1 || { printf 'sarif-validate: npm is needed to install the validator\n' >&2; exit 3; }
  npm install --silent --no-audit --no-fund --prefix "$tool" "@microsoft/sarif-multitool@$version"
fi
# Some npm configurations skip the step that does this.
chmod u+x "$program"

# shellcheck disable=SC2016 # the dollar signs are JavaScript's
errors_of() {
  node -e '
    const report = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8").replace(/^\uFEFF/, ""));
    const errors = report.runs.flatMap(run => run.results ?? []).filter(it => (it.level ?? "warning") === "error");
    for (const it of errors) console.error(`  ${it.ruleId}: ${it.message.text ?? JSON.stringify(it.message)}`);
    process.exit(errors.length === 0 && report.runs.length > 0 ? 0 : 1);
  ' "$1"
}

validate() {
  local report
  report=$out/$(basename "$1").report.json
  rm -f "$report"
  "$program" validate "$1" --rule-kind 'Sarif;Ghas' --level 'Error;Warning;Note' -o "$report" --log ForceOverwrite >"$report.log" 2>&1 || { cat "$report.log" >&2; return 1; }
  if errors_of "$report"; then
    printf 'sarif-validate: %s has no error\n' "$1"
  else
    printf 'sarif-validate: %s has errors\n' "$1" >&2
    return 1
  fi
}

if [ "${1:-}" = --only ]; then
  shift
else
  status=0
  cargo run --quiet --locked -p cargo-tenantry -- tenantry check examples/orders --output "sarif=$out/orders.sarif" --output "sarif-github=$out/orders.github.sarif" >"$out/check.log" 2>&1 || status=$?
  [ "$status" -le 1 ] || { cat "$out/check.log" >&2; exit 1; }
  set -- "$out/orders.sarif" "$out/orders.github.sarif" "$@"
fi

failed=0
for file in "$@"; do validate "$file" || failed=1; done
exit "$failed"
