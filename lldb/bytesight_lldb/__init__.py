"""The LLDB host of bytesight: it translates between LLDB's API and _bytesight, nothing else."""


def register(debugger):
    from . import commands

    commands.register(debugger)
