"""Calling a function of the inferior, and leaving everything as it was.

A call that is given up half-way leaves its locks taken, that of the dynamic loader for one, and the
program hangs on them later. So a call goes on when the user presses Ctrl-C, and the Ctrl-C counts
afterwards; only a second one gives the call up.
"""

import re

import gdb

import _bytesight

from .undo import Undo

SIGINT = 2

# Where a function leaves an integer.
RESULT_REGISTERS = {"i386:x86-64": "rax", "aarch64": "x0"}

# "1  breakpoint  keep y ...": the user's breakpoints, watchpoints and catchpoints that are on.
ENABLED = re.compile(r"^(\d+)\s.*?\s(?:keep|del|dis|dstp)\s+y\b", re.MULTILINE)
# The columns of "info signals", as `handle` names them.
HANDLING = ("stop", "print", "pass")
# "SIGUSR1  Yes ...": signals at which GDB stops.
STOPPING = re.compile(r"^(SIG\w+)\s+Yes\b", re.MULTILINE)


def stopping_signals():
    """The signals that would end a call half-way, and be lost, though they mean the program."""
    names = STOPPING.findall(gdb.execute("info signals", False, True))
    return " ".join(name for name in names if name not in _bytesight.CALL_SIGNALS)


def call(thread, function, arguments, flags, signals):
    """Call `function` (an address) on `thread` with integers.

    `signals`, as from stopping_signals(), are delivered to the program meanwhile. Gives back the
    result, an unsigned integer, and whether Ctrl-C was pressed.
    """
    expression = "((unsigned long (*)(%s)) %d)(%s)" % (
        ", ".join(["unsigned long"] * len(arguments)) or "void",
        function,
        ", ".join("%dUL" % argument for argument in arguments),
    )
    with Undo() as undo:
        undo.setting("suppress-cli-notifications", True)
        undo.setting("pagination", False)
        undo.setting("confirm", False)
        undo.setting("language", "c")
        undo.setting("unwindonsignal", False)
        undo.setting("scheduler-locking", "off" if flags & _bytesight.CALL_ALL_THREADS else "on")
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
        if flags & _bytesight.CALL_PASS_INTERRUPT:
            _pass_interrupts(undo)
        return _evaluate(expression)


def _disable_breakpoints(undo):
    """In other threads they would end the call half-way; in a clone they would be traps."""
    numbers = ENABLED.findall(gdb.execute("info breakpoints", False, True))
    if numbers:
        listed = " ".join(numbers)
        undo.add(gdb.execute, "enable " + listed, False, True)
        gdb.execute("disable " + listed, False, True)


def _pass_interrupts(undo):
    """Ctrl-C goes to the program, without a stop."""
    words = gdb.execute("info signals SIGINT", False, True).splitlines()[-1].split()[1:4]
    before = [word if on == "Yes" else "no" + word for word, on in zip(HANDLING, words)]
    undo.add(gdb.execute, "handle SIGINT " + " ".join(before), False, True)
    gdb.execute("handle SIGINT nostop noprint pass", False, True)


def _evaluate(expression):
    caller = gdb.newest_frame()
    try:
        return int(gdb.parse_and_eval(expression)) & 0xFFFFFFFFFFFFFFFF, False
    except (gdb.error, KeyboardInterrupt) as error:
        frame = _call_frame(caller)
        if frame is None:
            raise _in_one_sentence(error)
        interrupted = _was_interrupted(error)
        result = _go_on(frame, caller) if interrupted else None
        if result is not None:
            return result, True
        _give_up(caller)
        raise KeyboardInterrupt() if interrupted else _in_one_sentence(error)


def _call_frame(caller):
    """GDB's own frame between a function that it called and `caller`; None: no call is going on."""
    frame = gdb.newest_frame()
    while frame and frame != caller:
        if frame.type() == gdb.DUMMY_FRAME and frame.older() == caller:
            return frame
        frame = frame.older()
    return None


def _was_interrupted(error):
    if isinstance(error, KeyboardInterrupt):
        return True
    try:
        return int(gdb.parse_and_eval("$_siginfo.si_signo")) == SIGINT
    except gdb.error:
        return "SIGINT" in str(error)  # a target that does not tell more


class _Return(gdb.Breakpoint):
    """Where a called function returns to: GDB stops there too, but forgets the result."""

    def __init__(self, address, register):
        super().__init__("*%d" % address, gdb.BP_BREAKPOINT, internal=True)
        self._register = register
        self.result = None

    def stop(self):
        value = int(gdb.newest_frame().read_register(self._register))
        self.result = value & 0xFFFFFFFFFFFFFFFF
        return False


def _go_on(frame, caller):
    """Let an interrupted call come to its end; its result, or None when it does not."""
    register = RESULT_REGISTERS.get(frame.architecture().name())
    if register is None:
        return None
    end = _Return(frame.pc(), register)
    try:
        gdb.execute("continue", False, True)
        return end.result if gdb.newest_frame() == caller else None
    except (gdb.error, KeyboardInterrupt):
        return None
    finally:
        end.delete()


def _give_up(caller):
    """Put the registers back to what they were before the call."""
    frame = _call_frame(caller)
    if frame is not None:
        frame.select()
        gdb.execute("return", False, True)


def _in_one_sentence(error):
    """GDB explains a call that failed in a paragraph."""
    if isinstance(error, KeyboardInterrupt):
        return error
    return gdb.error(re.split(r"\.(?: |$)", " ".join(str(error).split()))[0])
