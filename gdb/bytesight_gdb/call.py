"""Calling a function of the inferior, and leaving everything as it was.

A call that is given up half-way leaves its locks taken, that of the dynamic loader for one, and the
program hangs on them later. So a call goes on when the user presses Ctrl-C, and the Ctrl-C counts
afterwards; only a second one gives the call up.
"""

import collections
import re
import signal
import time

import gdb

import _bytesight

from . import breakpoints, signals
from .said import said
from .undo import Undo, set_parameter

SIGINT = 2
ECHO_SECONDS = 0.5  # in which another interruption is still of the same Ctrl-C

# Where a function leaves an integer; and what tells GDB which call a frame of its own is of: a
# register, and how far below the stack of that frame it points (dummy_id in gdb/ARCHITECTURE-tdep.c).
Machine = collections.namedtuple("Machine", "result base above_base")
MACHINES = {
    "i386:x86-64": Machine("rax", "rbp", 16),
    "aarch64": Machine("x0", "sp", 0),
}

# How GDB is to be for the duration of a call.
SETTINGS = (
    ("suppress-cli-notifications", True),
    ("pagination", False),
    ("confirm", False),
    ("language", "c"),
    ("unwindonsignal", False),
    ("schedule-multiple", False),  # other inferiors stay where they are
    ("follow-fork-mode", "parent"),
    ("detach-on-fork", True),
    ("stop-on-solib-events", 0),
    ("print thread-events", False),
    # A library that the call loads may have no file any more when GDB wants its symbols.
    ("auto-solib-add", False),
)

# "0x55...: id={stack=0x7ffe...,code=0x7ffe...,!special}, ptid=...": a function that GDB called.
CALL_FRAME = re.compile(r"stack=(0x[0-9a-f]+),code=(0x[0-9a-f]+)")

# What would end a call half-way.
Stops = collections.namedtuple("Stops", "signals breakpoints")


def stops():
    """As the user has them; asked once for a command, which makes many calls."""
    return Stops(signals.stopping(), breakpoints.enabled())


def call(thread, function, arguments, flags, stopping):
    """Call `function` (an address) on `thread` with integers.

    `stopping`, from stops(), stops nothing meanwhile. Gives back the result, an unsigned integer,
    and whether Ctrl-C was pressed.
    """
    # In hexadecimal, which is read alike whatever the user's input-radix is.
    expression = "((unsigned long (*)(%s)) %#x)(%s)" % (
        ", ".join(["unsigned long"] * len(arguments)) or "void",
        function,
        ", ".join("%#xUL" % argument for argument in arguments),
    )
    with Undo() as undo:
        for name, value in SETTINGS:
            undo.setting(name, value)
        _lock(undo, flags)
        breakpoints.disable(undo, stopping.breakpoints)
        signals.let_pass(undo, stopping.signals)
        undo.selection()
        thread.switch()
        may_wait = flags & _bytesight.CALL_MAY_WAIT
        if may_wait:
            signals.handle(undo, "SIGINT", "stop print nopass")
            undo.add(_bytesight.interrupt_after, 0)
            _bytesight.interrupt_after(_bytesight.CALL_ALONE_MS)
        if not flags & _bytesight.CALL_PASS_INTERRUPT:
            return _evaluate(expression, "continue", may_wait)
        _pass_interrupts(undo)
        # A Ctrl-C that GDB took for itself is for the program all the same.
        return _evaluate(expression, "signal SIGINT", may_wait)


def _lock(undo, flags):
    """Let the other threads run, or not; a call that waits for one of them changes it later."""
    undo.add(set_parameter, "scheduler-locking", gdb.parameter("scheduler-locking"))
    set_parameter("scheduler-locking", "off" if flags & _bytesight.CALL_ALL_THREADS else "on")


def _pass_interrupts(undo):
    """Ctrl-C goes to the program, without a stop, and so does the end of its time.

    Ctrl-C not by way of GDB, which loses one that comes just before it resumes the program.
    """
    for name in ("SIGINT", signals.DEADLINE):
        signals.handle(undo, name, "nostop noprint pass")
    inferior = gdb.selected_inferior()
    if inferior.connection.type == "native":
        undo.add(_bytesight.pass_interrupts, 0)
        _bytesight.pass_interrupts(inferior.pid)


def _evaluate(expression, go_on, may_wait):
    machine = MACHINES.get(gdb.newest_frame().architecture().name())
    thread, place = gdb.selected_thread(), _place()
    try:
        return int(gdb.parse_and_eval(expression)) & 0xFFFFFFFFFFFFFFFF, False
    except (gdb.error, KeyboardInterrupt) as error:
        unfinished = _Unfinished(error, thread, place, machine, go_on, may_wait)
        try:
            _whatever_is_pressed(unfinished.end)
        finally:
            _whatever_is_pressed(unfinished.close)
        if unfinished.result is not None:
            return unfinished.result, unfinished.interrupted
        if unfinished.interrupted:
            raise KeyboardInterrupt()
        raise gdb.error(unfinished.crash) if unfinished.crash else _in_one_sentence(error)


def _whatever_is_pressed(step):
    """Take a step that may be begun again. One Ctrl-C can come to GDB, the program or both."""
    while True:
        try:
            return step()
        except KeyboardInterrupt:
            pass


def _place():
    """Program counter and stack pointer."""
    frame = gdb.newest_frame()
    return frame.pc(), int(frame.read_register("sp"))


def _frames_of_calls():
    """[(stack, pc)] of the frames that GDB made for functions it called, the newest first.

    From a stop inside the call they are not always found by unwinding: GDB has not read the symbols
    of our agent.
    """
    listed = said("maint print dummy-frames")
    return [(int(stack, 16), int(pc, 16)) for stack, pc in CALL_FRAME.findall(listed)]


class _Return(gdb.Breakpoint):
    """Where a called function returns to: GDB stops there too, but forgets the result."""

    def __init__(self, address, register):
        super().__init__("*%#x" % address, gdb.BP_BREAKPOINT, internal=True)
        self._register = register
        self.result = None

    def stop(self):
        value = int(gdb.newest_frame().read_register(self._register))
        self.result = value & 0xFFFFFFFFFFFFFFFF
        return False


class _Unfinished:
    """A call that did not return as it should; `go_on` is the command that resumes it."""

    def __init__(self, error, thread, place, machine, go_on, may_wait):
        self.result = None
        self.crash = None  # what ended it, when that was a fault of its own
        self._go_on = go_on
        self._may_wait = may_wait
        self._waited = _bytesight.interrupt_after(0)  # then it is not the user who interrupts
        self.interrupted = isinstance(error, KeyboardInterrupt) and not self._waited
        self._error, self._thread, self._place, self._machine = error, thread, place, machine
        self._since = time.monotonic()
        self._went_on = False
        self._return = None

    def end(self):
        """Let it come to its end after a Ctrl-C, and give it up after another."""
        # GDB may have broken off while it changed registers, and remember others.
        gdb.execute("maint flush register-cache", False, True)
        if self._may_wait and self._is_going_on():
            gdb.execute("set scheduler-locking off")  # one of the others holds the lock
        if self._waited and self._is_going_on() and self._runs() and self._machine:
            self._waited = False
            self._await_return()
            gdb.execute(self._go_on, False, True)
        if self._is_going_on() and not self.interrupted:
            self.interrupted = self._was_interrupted()
        while self._is_going_on() and self._runs() and self._may_go_on():
            self._went_on = True
            gdb.execute(self._go_on, False, True)
        if self._is_going_on():
            self.crash = self.crash or self._describe_crash()
            self._take_back()

    def close(self):
        if self._return and self._return.is_valid():
            if self._return.result is not None:
                self.result = self._return.result
            self._return.delete()

    def _is_going_on(self):
        """Then the thread is not where it was; GDB may list frames of calls that have ended."""
        if not self._thread.is_valid():
            return False
        self._thread.switch()
        return _place() != self._place and bool(_frames_of_calls())

    def _runs(self):
        """A Ctrl-C may also come before its first instruction, or when it has just returned."""
        return _place()[0] not in (self._place[0], _frames_of_calls()[0][1])

    def _was_interrupted(self):
        number = _signal_number()
        # A target that does not tell more is known by what GDB says.
        return number == SIGINT if number else "SIGINT" in str(self._error)

    def _describe_crash(self):
        number = _signal_number()
        if self.interrupted or not number:
            return None
        names = {value.value: value.name for value in signal.Signals}
        place = gdb.newest_frame().name() or gdb.solib_name(_place()[0]) or "an unknown function"
        return "the program got %s in %s" % (names.get(number, "signal %d" % number), place)

    def _await_return(self):
        if not self._return:
            self._return = _Return(_frames_of_calls()[0][1], self._machine.result)

    def _may_go_on(self):
        if not self.interrupted or not self._machine:
            return False
        self._await_return()
        return not self._went_on or time.monotonic() - self._since < ECHO_SECONDS

    def _take_back(self):
        """Put the registers back to what they were: those of GDB's frame, and it has the others."""
        if not self._machine:
            return
        stack, pc = _frames_of_calls()[0]
        base = stack - self._machine.above_base
        frame = gdb.newest_frame()
        frame.select()
        if frame.pc() == pc:
            self.result = int(frame.read_register(self._machine.result)) & 0xFFFFFFFFFFFFFFFF
        gdb.execute("set $%s = %#x" % (self._machine.base, base), False, True)
        gdb.execute("set $pc = %#x" % pc, False, True)
        gdb.newest_frame().select()
        gdb.execute("return", False, True)


def _signal_number():
    """Of the signal that stopped the thread, 0: none, or not known."""
    try:
        return int(gdb.parse_and_eval("$_siginfo.si_signo"))
    except gdb.error:
        return 0


def _in_one_sentence(error):
    """GDB explains a call that failed in a paragraph."""
    if isinstance(error, KeyboardInterrupt):
        return error
    return gdb.error(re.split(r"\.(?: |$)", " ".join(str(error).split()))[0])
