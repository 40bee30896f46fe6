#!/usr/bin/env bash
# The referee over all pairs of operators, triples of them, relations and conflict targets, statements of the oracle's
# grammar, the corpus, and PostgreSQL's own tests where Debian's source package of it can be had. `run.sh long` makes more of
# them; REFEREE_REPOS names folders of repositories whose SQL is compared too. Without Python or pglast it says so.
set -eu

cd "$(dirname "$0")/../.."
if ! command -v python3 >/dev/null 2>&1; then
  echo 'no python3: the referee is left out'
  exit 0
fi
if [ "${1:-}" = long ]; then
  shift
  set -- --generated 60000 --oracle 20000 "$@"
else
  set -- --generated 5000 --oracle 2000 "$@"
fi
home=${CARGO_TARGET_DIR:-target}
if tests/referee/regress.sh "$home/referee-regress"; then
  set -- --regress "$home/referee-regress/sql" "$@"
fi
for repo in ${REFEREE_REPOS:-}; do
  set -- --repo "$repo" "$@"
done
for folder in tests/sqlcorpus tests/sqlcorpus/attack tests/sqlcorpus/attack/*/; do
  for file in cases pairs unsound; do
    if [ -e "$folder/$file.jsonl" ]; then set -- --corpus "$folder/$file.jsonl" "$@"; fi
  done
done
status=0
python3 tests/referee/referee.py "$@" || status=$?
if [ "$status" -eq 77 ]; then
  echo 'no pglast: the referee is left out'
  exit 0
fi
exit "$status"
