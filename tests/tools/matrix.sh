#!/bin/sh
# matrix.sh [PLACE...]: run every test here (host) and in root file systems of Debian's suites
# (bookworm, trixie, sid), for one Python and one debugger at a time, and print a table. A place's
# results and logs stay in build/matrix/PLACE until it is run again, so that one can go on where
# one stopped; the table shows all there are. BYTESIGHT_PYTHON=3.13 does it for that Python only.
# `matrix.sh --inside PLACE` is its own second half.
set -u
cd "$(dirname "$0")/../.." || exit 1

# The versions of the interpreters that the tests find as well, each once.
pythons() {
    for python in /usr/bin/python3.1[0-9] /usr/bin/python3.1[0-9]d ~/.pyenv/versions/3.*/bin/python3; do
        "$python" -c 'import sys, platform
if sys.version_info >= (3, 10): print(platform.python_version() + sys.abiflags)' 2>/dev/null
    done | grep "^${BYTESIGHT_PYTHON-}" | sort -u -V
}

version() {
    "$1" --version 2>/dev/null | grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1
}

# cell PYTHON COLUMN COMMAND...: what came of the command, as one line of the table.
cell() {
    python=$1 column=$2 log=$build/$1-${2%% *}
    shift 2
    env BYTESIGHT_PYTHON="$python" "$@" >"$log.log" 2>&1
    # That a machine has not every version of Python is no news here.
    skipped=$(grep '^skipped: ' "$log.log" | grep -v 'needs a CPython' | sort -u | wc -l)
    result=$(tail -n 1 "$log.log" | sed -n "s/ [0-9]* skipped$/ $skipped skipped/p")
    printf '%-9s %-8s %-12s %s\n' "$place" "$python" "$column" "${result:-did not end}" |
        tee "$log.row"
}

build_tests() {
    # Debian's own LLDB: 14 in bookworm, where `make deps` would choose 19.
    [ "$place" = host ] || tests/tools/deps.sh lldb || return
    make O="$build" deps && make -j2 O="$build" test-programs
}

if [ "${1-}" = --inside ]; then
    place=$2 build=build/matrix/$2
    build_tests >"$build/build.log" 2>&1 || {
        echo "matrix.sh: cannot build the tests: $build/build.log"
        exit 1
    }
    lldb=$(command -v lldb-21 || command -v lldb-19 || command -v lldb)
    suites=$(cd "$build/tests" && find . -name run -not -path '*/session/*' | cut -d / -f 2)
    for python in $(pythons); do
        # shellcheck disable=SC2086
        cell "$python" others tests/tools/run-suites.sh "$build/tests" $suites
        cell "$python" "GDB $(version gdb)" "$build/tests/session/run" gdb. &
        cell "$python" "LLDB $(version "$lldb")" \
            env BYTESIGHT_LLDB="$lldb" "$build/tests/session/run" lldb. both.
        wait
    done
    exit 0
fi

[ $# -gt 0 ] || set -- host bookworm trixie sid
[ ! -d ~/.pyenv/versions ] || export BYTESIGHT_PYENV=~/.pyenv
for place in "$@"; do
    mkdir -p "build/matrix/$place"
    rm -f "build/matrix/$place/${BYTESIGHT_PYTHON-}"*.row
    enter=
    [ "$place" = host ] || enter="tests/tools/rootfs.sh $place"
    $enter env BYTESIGHT_PYTHON="${BYTESIGHT_PYTHON-}" tests/tools/matrix.sh --inside "$place"
done
printf '\n%-9s %-8s %-12s %s\n' where Python tests 'what came of them'
cat build/matrix/*/*.row | sort -k 2,2V -k 3,3 -k 4,4V
