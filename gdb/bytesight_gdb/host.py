"""The host object of _bytesight (native/module/module.h says what each method must do)."""

import gdb

from . import call, style, symbols
from .said import said
from .undo import Undo

KINDS = {"native": "live", "core": "core"}


class Host:
    """One for each command: what it remembers holds while the inferior stays stopped."""

    def __init__(self):
        self._modules = None
        self._walked = {}
        self._stops = None
        self._interrupted = False
        self.escapes = style.escapes()
        self.progress = style.for_a_person() and not _tui_active()

    # Memory and symbols

    def read(self, address, length):
        return bytes(gdb.selected_inferior().read_memory(address, length))

    def write_memory(self, address, data):
        gdb.selected_inferior().write_memory(address, data)

    def lookup(self, name):
        return symbols.lookup(name)

    def modules(self):
        self._modules = symbols.modules()
        return self._modules

    def describe(self, address):
        if self._modules is None:
            self.modules()
        # Callers stand behind their call: the address asked for is the one before.
        frame = self._walked.get(address) or self._walked.get(address + 1)
        if frame and not frame.is_valid():
            frame = None
        return symbols.describe(address, self._modules, frame)

    # Threads and frames

    def state(self):
        inferior = gdb.selected_inferior()
        thread = gdb.selected_thread()
        if inferior.pid == 0 or thread is None:
            return ("nothing", 0, 0, 0)
        if thread.is_running() and not _in_stop():
            raise gdb.error(_running(inferior))
        kind = KINDS.get(inferior.connection.type, "remote")
        return (kind, inferior.pid, _tid(thread), _real_level(gdb.selected_frame()))

    def threads(self):
        threads = sorted(gdb.selected_inferior().threads(), key=lambda thread: thread.num)
        return [_tid(thread) for thread in threads]

    def walk(self, tid):
        """[(pc, stack pointer before the call)] of each C frame that is not inlined."""
        selected, thread = gdb.selected_thread(), _thread(tid)
        if thread == selected:
            return self._frames(self._walked)
        with Undo() as undo:
            undo.selection()
            thread.switch()
            # Elsewhere none of them is valid, and GDB would search the selected stack for each.
            return self._frames({})

    def _frames(self, walked):
        frames = []
        try:
            frame = gdb.newest_frame()
            while frame:
                walked.setdefault(frame.pc(), frame)
                older = frame.older()
                if frame.type() != gdb.INLINE_FRAME:
                    outer = older or frame
                    frames.append((frame.pc(), int(outer.read_register("sp"))))
                frame = older
        except gdb.error:
            if not frames:
                raise
        return frames

    def call(self, tid, function, arguments, flags):
        thread = _thread(tid)
        if gdb.selected_thread().is_running():
            raise gdb.error("nothing can be run inside Breakpoint.stop(): use `commands` instead")
        if thread.is_running():
            raise gdb.error("thread %d, which must make the call, is running: interrupt it" % tid)
        recording = gdb.current_recording()
        if recording and recording.method == "full":
            raise gdb.error("`record full` follows no call of ours: type `record stop` first")
        if self._stops is None:
            self._stops = call.stops()
        result, interrupted = call.call(thread, function, arguments, flags, self._stops)
        self._interrupted |= interrupted
        return result

    # The user

    def interrupted(self):
        # Another Ctrl-C is a KeyboardInterrupt as soon as Python runs: on entering this.
        return self._interrupted

    def write(self, text):
        try:
            gdb.write(text)
        except UnicodeEncodeError:
            gdb.write(style.for_host_charset(text))


def _in_stop():
    """Whether Breakpoint.stop() has called us: GDB counts the thread as running, and reads it."""
    try:
        return bool(gdb.selected_frame())
    except gdb.error:
        return False


def _running(inferior):
    if any(thread.is_stopped() for thread in inferior.threads()):
        return "the selected thread is running: interrupt it, or select one that is stopped"
    return "the program is running: interrupt it first"


def _tui_active():
    return "not active" not in said("info win")


def _tid(thread):
    _, lwp, tid = thread.ptid
    return lwp or tid


def _thread(tid):
    for thread in gdb.selected_inferior().threads():
        if _tid(thread) == tid:
            return thread
    raise LookupError("there is no thread %d" % tid)


def _real_level(frame):
    level = 0
    while frame.newer():
        frame = frame.newer()
        level += frame.type() != gdb.INLINE_FRAME
    return level
