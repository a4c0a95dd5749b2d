#!/bin/sh
# matrix.sh [SUITE...]: run every test in a root file system of each Debian suite (by default
# bookworm, trixie and sid), then print a table: which interpreter under which debugger passed how
# many sessions. Logs stay in build/matrix/. `matrix.sh --inside SUITE` is its own second half.
set -u

here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.." || exit 1

# One line for the table: suite, interpreter, debugger, what came of its sessions.
row() {
    python=$("$2" -c 'import platform; print(platform.python_version())')
    case $3 in gdb*) kind=gdb ;; *) kind=lldb ;; esac
    result=$(BYTESIGHT_PYTHON=$python BYTESIGHT_GDB=/usr/bin/gdb BYTESIGHT_LLDB=/usr/bin/$3 \
        "$build/tests/session/run" "$kind." 2>&1 | tee -a "$build/sessions.log" | tail -n 1)
    version=$("$3" --version 2>/dev/null | grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1)
    printf 'row|%s|%s|%s %s|%s\n' "$1" "$python" "$kind" "$version" "$result"
}

if [ "${1-}" = --inside ]; then
    build=build/matrix/$2
    make O="$build" test || echo "row|$2|all|all|some test failed, see the log"
    for python in /usr/bin/python3.[0-9] /usr/bin/python3.[0-9][0-9]; do
        [ -x "$python" ] || continue
        for debugger in gdb lldb-21 lldb-19 lldb-14; do
            [ ! -x "/usr/bin/$debugger" ] || row "$2" "$python" "$debugger"
        done
    done
    exit 0
fi

mkdir -p build/matrix
[ $# -gt 0 ] || set -- bookworm trixie sid
for suite in "$@"; do
    echo "== $suite: log in build/matrix/$suite.log"
    "$here/rootfs.sh" "$suite" tests/tools/matrix.sh --inside "$suite" \
        >"build/matrix/$suite.log" 2>&1
    grep '^[0-9]* passed' "build/matrix/$suite.log" | tail -n 1
done
echo
for suite in "$@"; do cat "build/matrix/$suite.log"; done | awk -F '|' '
    BEGIN { printf "%-10s %-10s %-14s %s\n", "suite", "Python", "debugger", "sessions" }
    /^row/ { printf "%-10s %-10s %-14s %s\n", $2, $3, $4, $5 }'
