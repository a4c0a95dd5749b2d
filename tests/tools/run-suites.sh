#!/bin/sh
# run-suites.sh FOLDER SUITE[:FILTER]...: run the test programs FOLDER/SUITE/run, JOBS of them at
# once (as many as there are processors), and print what each printed when it ends; then say what
# they came to, all together.
set -u
if [ "${1-}" = --one ]; then # its own second half: logs folder, tests folder, job
    suite=${4%%:*} filter=${4#"$suite"} log=$2/$4
    echo "== $4 begins"
    { "$3/$suite/run" ${filter:+"${filter#:}"} || echo "$4: exit status $?"; } >"$log" 2>&1
    { echo "== $4" && cat "$log"; } >"$log.shown"
    exec cat "$log.shown" # in one piece, for another may end now
fi
folder=$1
shift
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
printf '%s\n' "$@" | xargs -P "${JOBS:-$(nproc)}" -n 1 "$0" --one "$logs" "$folder"
rm -f "$logs"/*.shown
status=0
for log in "$logs"/*; do
    tail -n 1 "$log" | grep -qE '^[0-9]+ passed, 0 failed' || status=1
done
echo "== all"
cat "$logs"/* | grep '^FAILED ' # again, where it is seen
cat "$logs"/* | grep '^skipped: ' | sort | uniq
cat "$logs"/* | awk '/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { p += $1; f += $3; s += $5 }
     END { printf "%d passed, %d failed, %d skipped\n", p, f, s }'
exit $status
