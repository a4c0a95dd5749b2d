#!/bin/sh
# run-suites.sh PROGRAM...: run each test program, then say what they came to, all together.
set -u
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
for program in "$@"; do
    echo "== ${program%/run}"
    { "$program" || echo "$program: exit status $?"; } 2>&1 | tee -a "$log"
    tail -n 1 "$log" | grep -qE '^[0-9]+ passed, 0 failed' || status=1
done
echo "== all"
grep '^skipped: ' "$log" | sort | uniq
awk '/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { p += $1; f += $3; s += $5 }
     END { printf "%d passed, %d failed, %d skipped\n", p, f, s }' "$log"
exit $status
