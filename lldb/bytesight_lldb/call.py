"""Calling a function of the inferior, and leaving everything as it was."""

import os
import re
from signal import SIGINT, SIGRTMAX

import lldb

import _bytesight

# Far above what a call takes: LLDB's default of half a second is not, on a busy machine.
TIMEOUT_US = 20 * 1000000


def call(target, thread, function, arguments, flags, live, interrupted):
    """Call `function` (an address) on `thread` with integers; gives back an unsigned integer.

    `live`: it is a process of this machine, which can be sent signals; `interrupted` tells whether
    Ctrl-C was pressed before.
    """
    expression = "((unsigned long (*)(%s)) %dUL)(%s)" % (
        ", ".join(["unsigned long"] * len(arguments)) or "void",
        function,
        ", ".join("%dUL" % argument for argument in arguments),
    )
    signals, pid = target.GetProcess().GetUnixSignals(), target.GetProcess().GetProcessID()
    passes_interrupt = flags & _bytesight.CALL_PASS_INTERRUPT
    tid = thread.GetThreadID()
    # Not those of one thread: sent again, another might get them.
    waiting = _bytesight.waiting_signals(tid, False) if live else []
    passed = _pass_signals(signals, passes_interrupt, waiting)
    disabled = _disable_breakpoints(target)
    try:
        if passes_interrupt:
            _bytesight.pass_interrupts(pid if live else 0)
            if interrupted():
                raise KeyboardInterrupt
        value = thread.GetFrameAtIndex(0).EvaluateExpression(expression, _options(flags))
    finally:
        _bytesight.pass_interrupts(0)
        for stop in disabled:
            stop.SetEnabled(True)
        for number, stop, suppress in passed:
            signals.SetShouldStop(number, stop)
            signals.SetShouldSuppress(number, suppress)
        for number, _, _ in passed:
            if number in waiting and number not in _bytesight.waiting_signals(tid, True):
                _send(pid, number)
    if value.GetError().Fail():
        raise OSError(_one_line(value.GetError().GetCString()))
    return value.GetValueAsUnsigned()


def _options(flags):
    options = lldb.SBExpressionOptions()
    options.SetLanguage(lldb.eLanguageTypeC)
    options.SetIgnoreBreakpoints(True)
    options.SetUnwindOnError(True)
    options.SetTrapExceptions(False)  # else CALL would end at an exception that C++ catches itself
    endless = flags & _bytesight.CALL_PASS_INTERRUPT
    options.SetTimeoutInMicroSeconds(0 if endless else TIMEOUT_US)
    may_wait = flags & _bytesight.CALL_MAY_WAIT
    if may_wait:
        options.SetOneThreadTimeoutInMicroSeconds(1000 * _bytesight.CALL_ALONE_MS)
    options.SetTryAllThreads(bool(may_wait or flags & _bytesight.CALL_ALL_THREADS))
    options.SetAutoApplyFixIts(False)
    options.SetSuppressPersistentResult(True)
    return options


def _pass_signals(signals, passes_interrupt, waiting):
    """Deliver the program's signals to it: one that stops would end the call half-way.

    LLDB may lose those that wait when the call begins; they are kept from it, to be sent again.
    Gives back what was changed: (number, stop, suppress).
    """
    numbers = [signals.GetSignalAtIndex(index) for index in range(signals.GetNumSignals())]
    ours = {signals.GetSignalNumberFromName(name) for name in _bytesight.CALL_SIGNALS}
    ends = {SIGINT, SIGRTMAX} if passes_interrupt else set()  # the second, when its time is up
    before = [(n, signals.GetShouldStop(n), signals.GetShouldSuppress(n)) for n in numbers]
    before = [
        row
        for row in before
        if row[0] in ends or row[0] not in ours and (row[1] or row[0] in waiting)
    ]
    for number, _, suppress in before:
        signals.SetShouldStop(number, False)
        signals.SetShouldSuppress(number, number not in ends and (suppress or number in waiting))
    return before


def _send(pid, number):
    try:
        os.kill(pid, number)
    except OSError:
        pass  # the program has ended


def _disable_breakpoints(target):
    """Each hit would be told to the user; in a clone they would be traps."""
    stops = list(target.breakpoint_iter()) + list(target.watchpoint_iter())
    stops = [stop for stop in stops if stop.IsEnabled()]
    for stop in stops:
        stop.SetEnabled(False)
    return stops


# What LLDB says in words of its own.
SAID = (
    (r"\bv?fork\b", "LLDB gives up a call that starts a process, as this one does"),
    (
        r"[Cc]ouldn't allocate",
        "the inferior could not map memory in which LLDB prepares a call: raise its limits "
        "(ulimit -v and -d, vm.max_map_count)",
    ),
)


def _one_line(text):
    line = (text or "the call failed").strip().splitlines()[0]
    for said, meant in SAID:
        if re.search(said, line):
            return meant
    return line[len("error: ") :].rstrip(".") if line.startswith("error: ") else line.rstrip(".")
