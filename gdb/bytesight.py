"""bytesight in GDB: `source` this file, in a checkout or installed.

It loads the compiled module (found from where this file is), then the commands. Nothing is
printed unless something is missing, and then one line.
"""

import importlib.machinery
import importlib.util
import os
import sys

import gdb

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


def load(name, path, package_folder=None):
    """Import the file `path` as `name`, without a search path that other modules would see."""
    if package_folder:
        for part in [part for part in sys.modules if part.startswith(name + ".")]:
            del sys.modules[part]  # of an earlier load
        spec = importlib.util.spec_from_file_location(
            name, path, submodule_search_locations=[package_folder]
        )
    else:
        loader = importlib.machinery.ExtensionFileLoader(name, path)
        spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def main():
    if not hasattr(gdb, "format_address"):
        return "GDB 13 or later is needed, this is GDB " + gdb.VERSION
    path = module_path()
    if not path:
        return "the compiled module is missing: run `make` in " + os.path.dirname(HERE)
    try:
        if "_bytesight" not in sys.modules:
            load("_bytesight", path)
        folder = os.path.join(HERE, "bytesight_gdb")
        load("bytesight_gdb", os.path.join(folder, "__init__.py"), folder).register()
    except ImportError as error:
        return "cannot load the compiled module: " + str(error)
    return None


_problem = main()
if _problem:
    gdb.write("bytesight: " + _problem + "\n", gdb.STDERR)
