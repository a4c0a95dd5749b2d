"""Calling a function of the inferior, and leaving everything as it was."""

import lldb

import _bytesight

# Far above what a call takes: LLDB's default of half a second is not, on a busy machine.
TIMEOUT_US = 20 * 1000000


def call(target, thread, function, arguments, flags):
    """Call `function` (an address) on `thread` with integers; gives back an unsigned integer."""
    expression = "((unsigned long (*)(%s)) %dUL)(%s)" % (
        ", ".join(["unsigned long"] * len(arguments)) or "void",
        function,
        ", ".join("%dUL" % argument for argument in arguments),
    )
    signals = target.GetProcess().GetUnixSignals()
    passed = _pass_signals(signals)
    disabled = _disable_breakpoints(target)
    try:
        value = thread.GetFrameAtIndex(0).EvaluateExpression(expression, _options(flags))
    finally:
        for stop in disabled:
            stop.SetEnabled(True)
        for number in passed:
            signals.SetShouldStop(number, True)
    if value.GetError().Fail():
        raise OSError(_one_line(value.GetError().GetCString()))
    return value.GetValueAsUnsigned()


def _options(flags):
    options = lldb.SBExpressionOptions()
    options.SetLanguage(lldb.eLanguageTypeC)
    options.SetIgnoreBreakpoints(True)
    options.SetUnwindOnError(True)
    options.SetTimeoutInMicroSeconds(TIMEOUT_US)
    options.SetTryAllThreads(bool(flags & _bytesight.CALL_ALL_THREADS))
    options.SetAutoApplyFixIts(False)
    options.SetSuppressPersistentResult(True)
    return options


def _pass_signals(signals):
    """Deliver the program's signals to it: one that stops would end the call half-way."""
    numbers = [signals.GetSignalAtIndex(index) for index in range(signals.GetNumSignals())]
    ours = [signals.GetSignalNumberFromName(name) for name in _bytesight.CALL_SIGNALS]
    numbers = [n for n in numbers if n not in ours and signals.GetShouldStop(n)]
    for number in numbers:
        signals.SetShouldStop(number, False)
    return numbers


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
