#!/bin/sh
# rootfs.sh SUITE COMMAND...: run COMMAND in this checkout inside a Debian SUITE (bookworm, trixie,
# sid). The root file system is built once and kept in $BYTESIGHT_CACHE. It starts with no more than
# make, git, the interpreters that the suite has beside its default one and CPython's tests for
# them: everything else is for `make deps` to find, as on a newcomer's machine. Needs root and mmdebstrap.
set -eu

suite=$1
shift
cache=${BYTESIGHT_CACHE:-/var/cache/bytesight}
root=$cache/$suite
source=$(cd "$(dirname "$0")/../.." && pwd)

case $suite in
bookworm | trixie) include=make,git,python3 ;;
# A debug build of the default Python comes with python3-dbg, which the tests want anyway.
sid) include=make,git,python3,python3.14,python3.15,python3.15-dbg,libpython3.14-testsuite,libpython3.15-testsuite ;;
*)
    echo "rootfs.sh: no suite '$suite': bookworm, trixie or sid" >&2
    exit 2
    ;;
esac

if [ ! -e "$root/.complete" ]; then
    command -v mmdebstrap >/dev/null || {
        echo "rootfs.sh: needs mmdebstrap: apt-get install mmdebstrap" >&2
        exit 1
    }
    echo "building $root (about a minute and a half)" >&2
    mkdir -p "$cache"
    rm -rf "$root"
    # Package lists of a mirror's snapshot may be past their date; what matters here is the suite.
    mmdebstrap --quiet --variant=minbase --include="$include" \
        --aptopt='Acquire::Check-Valid-Until "false"' --skip=cleanup/apt/lists \
        "$suite" "$root" >&2
    echo 'Acquire::Check-Valid-Until "false";' >"$root/etc/apt/apt.conf.d/90snapshot"
    touch "$root/.complete"
fi

# A mount namespace of our own: what is mounted in it goes away with the last process.
mkdir -p "$root/src"
# shellcheck disable=SC2016
exec unshare --mount sh -eu -c '
    root=$1 source=$2
    shift 2
    mount --rbind /proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount --bind "$source" "$root/src"
    if [ -n "${BYTESIGHT_PYENV-}" ]; then
        mkdir -p "$root/root/.pyenv"
        mount --bind "$BYTESIGHT_PYENV" "$root/root/.pyenv"
    fi
    [ ! -e /etc/resolv.conf ] || cp -L /etc/resolv.conf "$root/etc/resolv.conf"
    [ ! -e /etc/hosts ] || cp -L /etc/hosts "$root/etc/hosts"
    exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
        TERM="${TERM:-dumb}" LANG=C.UTF-8 ${http_proxy:+http_proxy="$http_proxy"} \
        ${CI:+CI="$CI"} sh -c "cd /src && exec \"\$@\"" sh "$@"
' sh "$root" "$source" "$@"
