#!/bin/sh
# layers.sh BUILD_DIR: prove from the includes and from the symbols that the arrows of
# native/README.md point one way. Prints each offence; fails if there was one.
set -u
build=$1
status=0

offend() {
    echo "$1" >&2
    status=1
}

# ROOM: the rooms that it may include.
check_includes() {
    room=$1
    allowed=$(printf '%s' "$2" | tr ' ' '|')
    found=$(grep -rnE '^#include "' "native/$room" --include='*.[ch]' --include='*.def' |
        grep -vE "#include \"($allowed)/")
    [ -z "$found" ] || offend "native/$room may include only $2, with its room's name:
$found"
}
check_includes format "format"
check_includes agent "format agent"
check_includes core "format core"
check_includes inspect "format core inspect"
check_includes command "format core inspect command"
check_includes module "format core inspect command module"

found=$(grep -rlE '#include [<"]Python\.h' native | grep -vE '^native/(agent|module)/')
[ -z "$found" ] || offend "only agent/ and module/ may include Python.h: $found"

# LIBRARY ROOMS...: what the library leaves undefined of ours, the rooms to its left must define.
check_symbols() {
    library=$1
    shift
    defined=$(for room in "$@" "$library"; do nm "$build/lib$room.a" 2>/dev/null; done |
        awk '$2 ~ /[A-Z]/ && NF == 3 { print $3 }' | sort -u)
    wanted=$(nm "$build/lib$library.a" | awk '$1 == "U" && $2 ~ /^bs_/ { print $2 }' | sort -u)
    for symbol in $wanted; do
        printf '%s\n' "$defined" | grep -qx "$symbol" ||
            offend "lib$library.a uses $symbol, which is not of: $* $library"
    done
}
check_symbols core
check_symbols inspect core
check_symbols command core inspect

agent=$build/libbytesight_agent.so
extra=$(nm -D --defined-only "$agent" | awk '{ print $3 }' |
    grep -vxE 'bytesight_(start|run|finish)')
[ -z "$extra" ] || offend "the agent exports more than its entry points: $extra"
extra=$(nm -D --undefined-only "$agent" | awk '{ print $2 }' | grep '^bs_')
[ -z "$extra" ] || offend "the agent uses symbols that nobody gives it: $extra"

exit $status
