"""The program's signals at which GDB stops: none may end a call of ours half-way."""

import os
import re
import signal

import gdb

import _bytesight

# "SIGUSR1  Yes  Yes  Yes ...": those that stop, and whether they are passed to the program.
STOPPING = re.compile(r"^(SIG\w+)\s+Yes\s+\w+\s+(Yes|No)\b", re.MULTILINE)
WAITING = re.compile(r"^S\w\wPnd:\s*([0-9a-f]+)", re.MULTILINE)  # of the thread, of the process


def stopping():
    """{name: "pass" or "nopass"}, without those that tell of the call itself."""
    rows = STOPPING.findall(gdb.execute("info signals", False, True))
    return {
        name: "pass" if passed == "Yes" else "nopass"
        for name, passed in rows
        if name not in _bytesight.CALL_SIGNALS
    }


def let_pass(undo, names, thread):
    """Let a signal that comes go to the program, and GDB say so; one that waits goes on waiting.

    So GDB stops at it when the user continues.
    """
    if not names:
        return
    undo.add(gdb.execute, "handle %s stop print" % " ".join(names), False, True)
    gdb.execute("handle %s nostop print" % " ".join(names), False, True)
    pid = gdb.selected_inferior().pid
    for name, number in _waiting(names, pid, thread.ptid[1]):
        undo.add(gdb.execute, "handle %s %s" % (name, names[name]), False, True)
        undo.add(_send, pid, number)
        gdb.execute("handle %s nostop noprint nopass" % name, False, True)


def _waiting(names, pid, tid):
    """[(name, number)] of those that the kernel keeps for the thread; none of a remote one."""
    if gdb.selected_inferior().connection.type != "native":
        return []
    try:
        with open("/proc/%d/task/%d/status" % (pid, tid)) as status:
            masks = [int(mask, 16) for mask in WAITING.findall(status.read())]
    except OSError:
        return []
    # By SIGSTOP GDB stops threads: one that waits may be its own.
    numbers = [(name, getattr(signal, name, None)) for name in names if name != "SIGSTOP"]
    return [
        (name, number)
        for name, number in numbers
        if number and any(mask >> (number - 1) & 1 for mask in masks)
    ]


def _send(pid, number):
    try:
        os.kill(pid, number)
    except OSError:
        pass  # the program has ended
