"""Calling a function of the inferior, and leaving everything as it was."""

import re

import gdb

from .undo import Undo

ALL_THREADS = 1 << 0  # enum bs_call_flags of native/command/host.h

# "1  breakpoint  keep y ...": the user's breakpoints, watchpoints and catchpoints that are on.
ENABLED = re.compile(r"^(\d+)\s.*?\s(?:keep|del|dis|dstp)\s+y\b", re.MULTILINE)
# "SIGUSR1  Yes ...": signals at which GDB stops.
STOPPING = re.compile(r"^(SIG\w+)\s+Yes\b", re.MULTILINE)
# These stop a call too: it went wrong, or the user pressed Ctrl-C.
OURS = {"SIGINT", "SIGTRAP", "SIGILL", "SIGABRT", "SIGEMT", "SIGFPE", "SIGBUS", "SIGSEGV", "SIGSYS"}


def stopping_signals():
    """The signals that would end a call half-way, and be lost, though they mean the program."""
    names = STOPPING.findall(gdb.execute("info signals", False, True))
    return " ".join(name for name in names if name not in OURS)


def call(thread, function, arguments, flags, signals):
    """Call `function` (an address) on `thread` with integers; gives back an unsigned integer.

    `signals`, as from stopping_signals(), are delivered to the program meanwhile.
    """
    expression = "((unsigned long (*)(%s)) %d)(%s)" % (
        ", ".join(["unsigned long"] * len(arguments)) or "void",
        function,
        ", ".join("%dUL" % argument for argument in arguments),
    )
    with Undo() as undo:
        undo.setting("suppress-cli-notifications", True)
        undo.setting("pagination", False)
        undo.setting("language", "c")
        undo.setting("unwindonsignal", True)
        undo.setting("scheduler-locking", "off" if flags & ALL_THREADS else "on")
        undo.setting("stop-on-solib-events", 0)
        undo.setting("print thread-events", False)
        # A library that the call loads may have no file any more when GDB wants its symbols.
        undo.setting("auto-solib-add", False)
        _disable_breakpoints(undo)
        if signals:
            undo.add(gdb.execute, "handle %s stop print" % signals, False, True)
            gdb.execute("handle %s nostop noprint" % signals, False, True)
        undo.selection()
        thread.switch()
        try:
            return int(gdb.parse_and_eval(expression)) & 0xFFFFFFFFFFFFFFFF
        except gdb.error as error:
            if "SIGINT" in str(error):  # Ctrl-C, as GDB 16 and later report it
                raise KeyboardInterrupt
            raise gdb.error(_first_sentence(str(error)))


def _disable_breakpoints(undo):
    """In other threads they would end the call half-way; in a clone they would be traps."""
    numbers = ENABLED.findall(gdb.execute("info breakpoints", False, True))
    if numbers:
        listed = " ".join(numbers)
        undo.add(gdb.execute, "enable " + listed, False, True)
        gdb.execute("disable " + listed, False, True)


def _first_sentence(text):
    """GDB explains a call that failed in a paragraph."""
    return re.split(r"\.(?: |$)", " ".join(text.split()))[0]
