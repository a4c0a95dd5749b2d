"""The host object of _bytesight (native/module/module.h says what each method must do)."""

import os

import lldb

from . import call, style, symbols

STOPPED = (lldb.eStateStopped, lldb.eStateCrashed, lldb.eStateSuspended)
RUNNING = (lldb.eStateRunning, lldb.eStateStepping, lldb.eStateAttaching, lldb.eStateLaunching)

# How LLDB is to be while functions of the inferior are called: it keeps what it has read until the
# process runs, and a clone writes meanwhile; and a library that is loaded must not end the call.
SETTINGS = {
    "target.process.disable-memory-cache": "true",
    "target.process.stop-on-sharedlibrary-events": "false",
}

# What a call leaves on the stack, at least. Elsewhere it leaves nothing: the return address is in a
# register, and a function that calls nothing may have no part of the stack at all.
CALL_BYTES = {"x86_64": 8}

INDEX_MAX = 0x7FFFFFFF  # of frames, which LLDB counts in 32 bits without a sign

# Fewer bytes are not asked for. LLDB takes an answer of one byte for an acknowledgement where it is
# "+" or "-", and loses the process over the latter; and "OK" and "E01" for what they say. Aligned,
# they are all there where one is.
READ_BYTES = 8


class Host:
    """One for each command, about what that command's execution context has selected."""

    def __init__(self, debugger, context=None, result=None):
        self._debugger = debugger
        self._target = context.GetTarget() if context else debugger.GetSelectedTarget()
        self._process = context.GetProcess() if context else self._target.GetProcess()
        self._thread = context.GetThread() if context else self._process.GetSelectedThread()
        self._frame = context.GetFrame() if context else self._thread.GetSelectedFrame()
        self._result = result
        self.escapes = style.escapes(debugger)
        self.progress = True
        self._settings_before = {}
        self._described = {}
        self.wrote = False

    # Memory and symbols

    def read(self, address, length):
        if 0 < length < READ_BYTES:
            start = address - address % READ_BYTES
            end = address + length + -(address + length) % READ_BYTES
            return self.read(start, end - start)[address - start :][:length]
        error = lldb.SBError()
        data = self._process.ReadMemory(address, length, error) if length else b""
        if error.Fail() and self._kind() == "core":
            data = self._read_file(address, length)
        if data is None or len(data) != length:
            raise OSError(error.GetCString() or "cannot read memory at 0x%x" % address)
        return data

    def _read_file(self, address, length):
        """A core leaves out what is only in the files that were mapped; LLDB has those, too."""
        place = lldb.SBAddress(address, self._target)
        if place.GetSection().GetPermissions() & lldb.ePermissionsWritable:
            return None
        # LLDB 21 says what the core has not, and answers all the same.
        return self._target.ReadMemory(place, length, lldb.SBError())

    def write_memory(self, address, data):
        error = lldb.SBError()
        if self._process.WriteMemory(address, data, error) != len(data):
            raise OSError(error.GetCString() or "cannot write memory at 0x%x" % address)

    def lookup(self, name):
        return symbols.lookup(self._target, name)

    def modules(self):
        return symbols.modules(self._target)

    def describe(self, address):
        # Stacks of recursions and of many threads alike have few addresses, many times over.
        if address not in self._described:
            self._described[address] = symbols.describe(self._target, address)
        return self._described[address]

    # Threads and frames

    def state(self):
        state = self._process.GetState() if self._process.IsValid() else lldb.eStateInvalid
        if state in RUNNING:
            raise OSError("the program is running: interrupt it first")
        if state not in STOPPED or not self._thread.IsValid():
            return ("nothing", 0, 0, 0)
        return (
            self._kind(),
            self._process.GetProcessID(),
            self._thread.GetThreadID(),
            self._level(),
        )

    def _level(self):
        """How many functions, not counting inlined ones, the selected frame is above the innermost."""
        index = self._frame.GetFrameID() if self._frame.IsValid() else 0
        # Where inlined code begins, LLDB hides the frames of it: the innermost one is number -1 then.
        if index > INDEX_MAX:
            index = 0
        return sum(not self._thread.GetFrameAtIndex(i).IsInlined() for i in range(index))

    def _kind(self):
        if self._process.GetPluginName() != "gdb-remote":
            return "core"
        return "live" if _traced_by_us(self._process) else "remote"

    def threads(self):
        return [thread.GetThreadID() for thread in self._process]

    def walk(self, tid):
        machine = self._target.GetTriple().partition("-")[0]
        return _frames(self._thread_of(tid), CALL_BYTES.get(machine, 0))

    def _thread_of(self, tid):
        thread = self._process.GetThreadByID(tid)
        if not thread.IsValid():
            raise LookupError("there is no thread %d" % tid)
        return thread

    def call(self, tid, function, arguments, flags):
        self._described.clear()  # it may load a library
        self._prepare()
        thread = self._thread_of(tid)
        live = self._kind() == "live"
        return call.call(
            self._target, thread, function, arguments, flags, live, self.interrupted
        )

    def _prepare(self):
        name = self._debugger.GetInstanceName()
        for setting, value in SETTINGS.items():
            if setting not in self._settings_before:
                values = self._debugger.GetInternalVariableValue(setting, name)
                self._settings_before[setting] = values.GetStringAtIndex(0)
                self._debugger.SetInternalVariable(setting, value, name)

    def close(self):
        """Put back what was changed for the duration of the command."""
        for setting, value in self._settings_before.items():
            self._debugger.SetInternalVariable(setting, value, self._debugger.GetInstanceName())

    # The user

    def interrupted(self):
        if self._debugger.GetCommandInterpreter().WasInterrupted():
            return True
        requested = getattr(self._debugger, "InterruptRequested", None)  # LLDB 17
        return bool(requested and requested())

    def write(self, text):
        if self._result:
            self._result.write(text)
        else:
            print(text, end="")
        self.wrote = True


# By LLDB's own number: of a process that was killed meanwhile /proc does not tell any more.
_ours = set()


def _traced_by_us(process):
    """Whether /proc/PID is the process: its tracer is then a server that this LLDB started."""
    tracer = _status(process.GetProcessID(), "TracerPid")
    if tracer is not None and _status(tracer, "PPid") == os.getpid():
        _ours.add(process.GetUniqueID())
    return process.GetUniqueID() in _ours


def _status(pid, field):
    try:
        with open("/proc/%d/status" % pid) as status:
            for line in status:
                name, _, value = line.partition(":")
                if name == field:
                    return int(value)
    except OSError:
        pass
    return None


def _frames(thread, call_bytes):
    """[(pc, stack pointer before the call)] of each C frame that is not inlined."""
    frames, pc = [], None
    for frame in thread:
        # Only the innermost function of an address has the address; LLDB gives the others the
        # start of the code that is inlined into them.
        pc = pc or frame.GetPC()
        if frame.IsInlined():
            continue
        # A function that has jumped to the next one, as LLDB infers, has no frame any more: it lies
        # nowhere, which is between its neighbours.
        stack = frame.GetSP() if frame.IsArtificial() else frame.GetCFA()
        # LLDB before 20 takes a wrong rule for functions in several pieces, and walks astray.
        if stack < frame.GetSP() + call_bytes and not frame.IsArtificial():
            return frames + [(pc, frame.GetSP())]
        frames.append((pc, stack))
        pc = None
    return frames
