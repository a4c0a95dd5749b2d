"""A program with a module of its own that is named like one of the standard library."""
import sys
import types

sys.modules["opcode"] = types.ModuleType("opcode")


def give(value):
    return value
