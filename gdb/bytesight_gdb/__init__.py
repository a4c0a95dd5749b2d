"""The GDB host of bytesight: it translates between GDB's API and _bytesight, nothing else."""

import importlib
import sys

# In this order: each uses only those before it.
_PARTS = ("undo", "style", "symbols", "call", "host", "parameters", "commands")


def register():
    """Create the commands and parameters, anew when the file is sourced again."""
    for part in _PARTS:
        name = __name__ + "." + part
        if name in sys.modules:
            importlib.reload(sys.modules[name])
    from . import commands, parameters

    parameters.register()
    commands.register()
