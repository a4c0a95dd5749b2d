"""bytesight in GDB: `source` this file, in a checkout or installed.

It loads the compiled module (found from where this file is), then the commands. Nothing is
printed unless something is missing, and then one line.
"""

import importlib
import os
import sys

import gdb

# Not __file__: while a script of the user's sources this file, GDB leaves that the script's name.
HERE = os.path.dirname(os.path.realpath(sys._getframe().f_code.co_filename))


def module_path():
    """The compiled module: BYTESIGHT_BUILD, build/ of a checkout, or lib/bytesight installed."""
    folders = [os.environ.get("BYTESIGHT_BUILD")]
    folders.append(os.path.join(HERE, "..", "build"))
    folders.append(os.path.join(HERE, "..", "..", "..", "lib", "bytesight"))
    for folder in filter(None, folders):
        path = os.path.realpath(os.path.join(folder, "_bytesight.abi3.so"))
        if os.path.exists(path):
            return path
    return None


def load(name, folder):
    """Import `name` from `folder`, which other modules shall not find on their search path."""
    sys.path.insert(0, folder)
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(folder)


def forget(name):
    """So that loading this file again loads it all again; a compiled module stays."""
    for part in [part for part in sys.modules if (part + ".").startswith(name + ".")]:
        del sys.modules[part]


def main():
    if not hasattr(gdb, "format_address"):
        return "GDB 13 or later is needed, this is GDB " + gdb.VERSION
    path = module_path()
    if not path:
        return "the compiled module is missing: run `make` in " + os.path.dirname(HERE)
    try:
        load("_bytesight", os.path.dirname(path))
        forget("bytesight_gdb")
        load("bytesight_gdb", HERE).register()
    except ImportError as error:
        return "cannot load the compiled module: " + str(error)
    return None


_problem = main()
if _problem:
    gdb.write("bytesight: " + _problem + "\n", gdb.STDERR)
