"""A program that has imported little: a module of CALL's then holds on to modules of the agent's."""
import sys


def import_holder():
    import inspect
    return inspect.tokenize.__name__


def give():
    return 1


def while_importing(go):
    before = set(sys.modules)
    go()
    holder = sys.modules.get("inspect")
    if "tokenize" in before or not holder:
        print("nothing was shown")
    elif holder.tokenize is not sys.modules.get("tokenize"):
        print("there are two modules of one name")
    for name in set(sys.modules) - before:
        del sys.modules[name]
