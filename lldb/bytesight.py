"""bytesight in LLDB: `command script import` this file, in a checkout or installed.

It loads the compiled module (found from where this file is), then the commands. Nothing is
printed unless something is missing, and then one line.
"""

import importlib.machinery
import importlib.util
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


def __lldb_init_module(debugger, _):
    path = module_path()
    if not path:
        print("bytesight: the compiled module is missing: run `make` in " + os.path.dirname(HERE))
        return
    try:
        if "_bytesight" not in sys.modules:
            load("_bytesight", path)
        folder = os.path.join(HERE, "bytesight_lldb")
        package = load("bytesight_lldb", os.path.join(folder, "__init__.py"), folder)
        # LLDB looks classes up from here: it knows this file by its name alone.
        globals()["bytesight_lldb"] = package
        package.register(debugger)
    except ImportError as error:
        print("bytesight: cannot load the compiled module: " + str(error))
