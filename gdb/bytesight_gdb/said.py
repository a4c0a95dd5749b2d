"""What GDB says in answer to a command, as text to be read."""

import gdb


def said(command):
    """The text that `command`, which has no quotes in it, prints.

    GDB 18 gives it quoted as it is for a front end, where one talks GDB/MI, but for what its
    console interpreter prints. Nowhere else, as that one would take the screen from the TUI.
    """
    if gdb.execute("echo -", False, True) != "-":
        command = 'interpreter-exec console "%s"' % command
    return gdb.execute(command, False, True)
