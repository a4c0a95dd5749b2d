#!/bin/sh
# demo.sh BUILD: run demo.py under GDB, and trace and profile a call of it there (demo.gdb).
# PYTHON=path chooses the interpreter: CPython 3.10 or later.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
BYTESIGHT_BUILD=$(cd "$1" && pwd)
BYTESIGHT_PLUGIN=$here/../../gdb/bytesight.py
PYTHONPATH=$BYTESIGHT_BUILD/tests/demo
export BYTESIGHT_BUILD BYTESIGHT_PLUGIN PYTHONPATH
unset DEBUGINFOD_URLS
# The program itself, not a script or a link that leads to it: GDB wants to read it.
find='import os, sys; sys.version_info >= (3, 10) and print(os.path.realpath(sys.executable))'
python=$("${PYTHON:-python3}" -c "$find")
[ -n "$python" ] || {
    echo "demo.sh: needs CPython 3.10 or later: make demo PYTHON=/path/to/python" >&2
    exit 1
}
exec gdb -nx -q -batch -iex "set auto-load python-scripts off" -x "$here/demo.gdb" --args "$python" "$here/demo.py"
