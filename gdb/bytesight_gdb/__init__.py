"""The GDB host of bytesight: it translates between GDB's API and _bytesight, nothing else."""


def register():
    """Create the parameters and commands, anew when the file is sourced again."""
    from . import commands, parameters

    parameters.register()
    commands.register()
