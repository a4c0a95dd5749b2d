#!/bin/sh
# deps.sh [--without=PATTERN] PACKAGE...: install those of Debian's packages that are missing, and
# say so. A word such as lldb-21/lldb-19/lldb stands for the first of these that this system offers.
# What has a path that matches PATTERN is left out of them.
set -eu

without=
case $1 in
--without=*)
    without="-o Dpkg::Options::=--path-exclude=${1#*=}"
    shift
    ;;
esac

if ! command -v apt-get >/dev/null; then
    echo "This is not a Debian-like system. Please install what these packages hold:"
    printf '  %s\n' "$@"
    exit 0
fi

installed() {
    dpkg-query -W -f='${Status}\n' "$1" 2>/dev/null | grep -q '^install ok installed'
}

offered() {
    apt-cache policy "$1" 2>/dev/null | grep -q 'Candidate: [^(]'
}

# Sets $missing to what is to be installed; fails when nothing is offered for some word.
collect() {
    missing=
    for word in "$@"; do
        found=
        for package in $(printf '%s' "$word" | tr '/' ' '); do
            if installed "$package"; then
                found=yes
                break
            fi
        done
        [ -z "$found" ] || continue
        for package in $(printf '%s' "$word" | tr '/' ' '); do
            if offered "$package"; then
                missing="$missing $package"
                found=yes
                break
            fi
        done
        [ -n "$found" ] || return 1
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        env DEBIAN_FRONTEND=noninteractive "$@"
    else
        sudo env DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

if ! collect "$@"; then
    echo "deps: reading the package lists"
    as_root apt-get -q -q update
    collect "$@" || {
        echo "deps: the package lists do not offer one of: $*" >&2
        exit 1
    }
fi
if [ -z "$missing" ]; then
    echo "deps: nothing is missing"
    exit 0
fi
echo "deps: installing$missing"
# Lists older than the mirror name files that are gone: read them anew and try once more.
# shellcheck disable=SC2086
as_root apt-get -q -q -y $without --no-install-recommends install $missing >/dev/null 2>&1 || {
    as_root apt-get -q -q update
    as_root apt-get -q -q -y $without --no-install-recommends install $missing >/dev/null
}
