"""bytesight in LLDB: `command script import` this file, in a checkout or installed.

It loads the compiled module (found from where this file is), then the commands. Nothing is
printed unless something is missing, and then one line.
"""

import glob
import importlib
import os
import sys

HERE = os.path.dirname(os.path.realpath(__file__))


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


def without_modules():
    """What is wrong with an LLDB that misses its own Python modules, as Debian 12's 14 does."""
    import lldb

    if hasattr(lldb, "SBDebugger"):
        return None
    program = os.path.realpath("/proc/self/exe")
    folders = glob.glob(os.path.join(os.path.dirname(program), "../lib/python3.*/dist-packages"))
    advice = "".join(": start it with PYTHONPATH=" + os.path.realpath(f) for f in folders[:1])
    return "this LLDB does not find its own Python modules" + advice


def __lldb_init_module(debugger, _):
    wrong = without_modules()
    if wrong:
        print("bytesight: " + wrong)
        return
    path = module_path()
    if not path:
        print("bytesight: the compiled module is missing: run `make` in " + os.path.dirname(HERE))
        return
    try:
        load("_bytesight", os.path.dirname(path))
        forget("bytesight_lldb")
        package = load("bytesight_lldb", HERE)
        # LLDB looks classes up from here: it knows this file by its name alone.
        globals()["bytesight_lldb"] = package
        package.register(debugger)
    except ImportError as error:
        print("bytesight: cannot load the compiled module: " + str(error))
