"""The program's signals at which GDB stops: none may end a call of ours half-way."""

import os
import re
import signal

import gdb

import _bytesight

from .said import said

# "SIGUSR1  Yes  Yes  Yes ...": those that stop, and whether they are passed to the program.
STOPPING = re.compile(r"^(SIG\w+)\s+Yes\s+\w+\s+(Yes|No)\b", re.MULTILINE)

# It ends a run in the process when its time is up (agent/interrupt.c), and is nobody's business.
DEADLINE = "SIG%d" % signal.SIGRTMAX

# The columns of "info signals", as `handle` names them.
HANDLING = ("stop", "print", "pass")


def handle(undo, name, how):
    """`handle NAME HOW`, to be undone."""
    words = said("info signals " + name).splitlines()[-1].split()[1:4]
    before = [word if on == "Yes" else "no" + word for word, on in zip(HANDLING, words)]
    undo.add(gdb.execute, "handle %s %s" % (name, " ".join(before)), False, True)
    gdb.execute("handle %s %s" % (name, how), False, True)


def stopping():
    """{name: "pass" or "nopass"}, without those that tell of the call itself."""
    rows = STOPPING.findall(said("info signals"))
    return {
        name: "pass" if passed == "Yes" else "nopass"
        for name, passed in rows
        if name not in _bytesight.CALL_SIGNALS
    }


def let_pass(undo, names):
    """Let a signal that comes go to the program, and GDB say so; one that waits goes on waiting.

    So GDB stops at it when the user continues.
    """
    if not names:
        return
    undo.add(gdb.execute, "handle %s stop print" % " ".join(names), False, True)
    gdb.execute("handle %s nostop print" % " ".join(names), False, True)
    pid = gdb.selected_inferior().pid
    for name, number in _waiting(names, pid):
        undo.add(gdb.execute, "handle %s %s" % (name, names[name]), False, True)
        undo.add(_send, pid, number)
        gdb.execute("handle %s nostop noprint nopass" % name, False, True)


def _waiting(names, pid):
    """[(name, number)] of those that the kernel keeps for the process; none of a remote one.

    Those of one thread are not: sent again, another might get them.
    """
    if gdb.selected_inferior().connection.type != "native":
        return []
    waiting = _bytesight.waiting_signals(pid, False)
    numbers = [(name, getattr(signal, name, None)) for name in names]
    return [(name, number) for name, number in numbers if number in waiting]


def _send(pid, number):
    if number in _bytesight.waiting_signals(pid, False):
        return  # all threads block it, and it still waits
    try:
        os.kill(pid, number)
    except OSError:
        pass  # the program has ended
