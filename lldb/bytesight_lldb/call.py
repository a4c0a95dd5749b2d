"""Calling a function of the inferior, and leaving everything as it was."""

from signal import SIGINT

import lldb

import _bytesight

# Far above what a call takes: LLDB's default of half a second is not, on a busy machine.
TIMEOUT_US = 20 * 1000000


def call(target, thread, function, arguments, flags, receiver, interrupted):
    """Call `function` (an address) on `thread` with integers; gives back an unsigned integer.

    `receiver` is the process that gets Ctrl-C where the program is to have it, 0: none here;
    `interrupted` tells whether it was pressed before.
    """
    expression = "((unsigned long (*)(%s)) %dUL)(%s)" % (
        ", ".join(["unsigned long"] * len(arguments)) or "void",
        function,
        ", ".join("%dUL" % argument for argument in arguments),
    )
    signals = target.GetProcess().GetUnixSignals()
    passes_interrupt = flags & _bytesight.CALL_PASS_INTERRUPT
    passed = _pass_signals(signals, passes_interrupt)
    disabled = _disable_breakpoints(target)
    try:
        if passes_interrupt:
            _bytesight.pass_interrupts(receiver)
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
    if value.GetError().Fail():
        raise OSError(_one_line(value.GetError().GetCString()))
    return value.GetValueAsUnsigned()


def _options(flags):
    options = lldb.SBExpressionOptions()
    options.SetLanguage(lldb.eLanguageTypeC)
    options.SetIgnoreBreakpoints(True)
    options.SetUnwindOnError(True)
    endless = flags & _bytesight.CALL_PASS_INTERRUPT
    options.SetTimeoutInMicroSeconds(0 if endless else TIMEOUT_US)
    may_wait = flags & _bytesight.CALL_MAY_WAIT
    if may_wait:
        options.SetOneThreadTimeoutInMicroSeconds(1000 * _bytesight.CALL_ALONE_MS)
    options.SetTryAllThreads(bool(may_wait or flags & _bytesight.CALL_ALL_THREADS))
    options.SetAutoApplyFixIts(False)
    options.SetSuppressPersistentResult(True)
    return options


def _pass_signals(signals, passes_interrupt):
    """Deliver the program's signals to it: one that stops would end the call half-way.

    Gives back what was changed: (number, stop, suppress).
    """
    numbers = [signals.GetSignalAtIndex(index) for index in range(signals.GetNumSignals())]
    ours = {signals.GetSignalNumberFromName(name) for name in _bytesight.CALL_SIGNALS}
    if passes_interrupt:
        ours.discard(SIGINT)
    before = [(n, signals.GetShouldStop(n), signals.GetShouldSuppress(n)) for n in numbers]
    before = [row for row in before if row[0] not in ours and row[1]]
    for number, _, _ in before:
        signals.SetShouldStop(number, False)
    if passes_interrupt:
        signals.SetShouldSuppress(SIGINT, False)
    return before


def _disable_breakpoints(target):
    """Each hit would be told to the user; in a clone they would be traps."""
    stops = list(target.breakpoint_iter()) + list(target.watchpoint_iter())
    stops = [stop for stop in stops if stop.IsEnabled()]
    for stop in stops:
        stop.SetEnabled(False)
    return stops


def _one_line(text):
    line = (text or "the call failed").strip().splitlines()[0]
    return line[len("error: ") :].rstrip(".") if line.startswith("error: ") else line.rstrip(".")
