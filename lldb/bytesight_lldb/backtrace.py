"""Python frames in LLDB's own backtrace, as `bytesight set frame-filter on` asks for.

LLDB before 22 has no filters for frames, but prints each by a format that may call a function.
"""

import lldb

import _bytesight

from .host import Host

CALL = "${script.frame:bytesight.bytesight_lldb.backtrace.python_frames}"

# The Python frames of one stop of one thread, as lines, by the index of LLDB's frame for the C
# function that runs them.
_read = {"stop": None, "lines": {}}


def python_frames(frame, _):
    """What the format puts behind the line of `frame`: lines for the Python frames it runs."""
    try:
        thread = frame.thread
        stop = (thread.process.GetUniqueID(), thread.process.GetStopID(), thread.GetThreadID())
        if _read["stop"] != stop:
            _read.update(stop=stop, lines={})
            _read["lines"] = _lines(thread)
        return _read["lines"].get(frame.idx, "")
    except Exception:  # of any kind: LLDB would print it once for each frame
        return ""


def _lines(thread):
    host = Host(thread.process.target.GetDebugger(), lldb.SBExecutionContext(thread))
    python = _bytesight.frames(host, thread.GetThreadID())
    indices = [frame.idx for frame in thread if not frame.IsInlined()] if python else []
    lines = {}
    for level, name, path, number, _ in python:
        # Where the C frame is not known, LLDB did not get to it: they stand last.
        index = indices[-1 if level is None else level]
        line = "" if number is None else ":%d" % number  # Python's own clean-up has none
        lines[index] = lines.get(index, "") + "\n    [py] %s at %s%s" % (name, path, line)
    return lines


def follow(debugger):
    """Be in the user's format or not, as the setting has it."""
    before = _format(debugger)
    wanted = before.replace(CALL, "")
    if _bytesight.get("frame-filter") == "on":
        cut = wanted.rfind("\\n")
        cut = len(wanted) if cut < 0 else cut
        wanted = wanted[:cut] + CALL + wanted[cut:]
    if wanted != before:
        debugger.SetInternalVariable("frame-format", wanted, debugger.GetInstanceName())


def _format(debugger):
    values = debugger.GetInternalVariableValue("frame-format", debugger.GetInstanceName())
    text = values.GetStringAtIndex(0)
    return text[1:-1] if text[:1] == '"' else text
