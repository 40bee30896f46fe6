#!/usr/bin/env bash
# Runs every fuzz target, or those named, for a number of seconds each: fuzz/run.sh SECONDS [TARGET...].
# Inputs that were found are kept below target/fuzz, and an input that fails in target/fuzz/failures. Exit status: 0 if
# none failed, 1 if one did, 77 if there is no cargo-fuzz.
set -eu

cd "$(dirname "$0")/.."
seconds=${1:?how many seconds for each target}
shift
targets=${*:-statement sites policy suppressions schema}
home=$(realpath -m "${CARGO_TARGET_DIR:-target}")/fuzz
mkdir -p "$home/failures"

if ! cargo fuzz --version >/dev/null 2>&1; then
  echo 'no cargo-fuzz: install it with `cargo install --locked cargo-fuzz`'
  exit 77
fi
# The instrumentation is a matter of nightly toolchains, unless one insists. The code is safe Rust: no sanitizer is
# needed, and without one it is several times as fast. With `cfg(fuzzing)` proc-macro2 has no spans.
export RUSTC_BOOTSTRAP=1
(cd fuzz && cargo fuzz build --sanitizer none --no-cfg-fuzzing --target-dir "$home/build")
python3 fuzz/seed.py "$home/corpus"
# Parsers recurse as deep as their limits allow, on a stack that is made for it; here it is the main thread's.
ulimit -s 262144

failed=0
for target in $targets; do
  log=$home/$target.log
  status=0
  "$home"/build/*/release/"$target" "$home/corpus/$target" -dict="$home/corpus/$target.dict" \
    -max_total_time="$seconds" -max_len=65535 -timeout=60 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$home/failures/$target-" >"$log" 2>&1 || status=$?
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  speed=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")
  peak=$(sed -n 's/^stat::peak_rss_mb: *//p' "$log")
  printf '%s: %s executions, %s a second, %s MB at most, exit status %s\n' "$target" "${runs:-?}" "${speed:-?}" "${peak:-?}" "$status"
  if [ "$status" -ne 0 ]; then
    failed=1
    tail -n 30 "$log"
  fi
done
exit "$failed"
