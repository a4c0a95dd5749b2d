"""Python frames in GDB's own backtrace, as `set bytesight frame-filter on` asks for."""

import sys

import gdb
from gdb.FrameDecorator import FrameDecorator

import _bytesight

from .host import Host

NAME = "bytesight"


class NativeFrame(FrameDecorator):
    """A C frame. A filter changes how frames without symbols look; this keeps their `??`."""

    def function(self):
        if self.inferior_frame().name() is None:
            return "??"
        return super().function()


class PythonFrame(FrameDecorator):
    """A Python frame, shown below the C frame that runs it."""

    def __init__(self, frame, name, path, number):
        super().__init__(frame)
        self._name, self._path, self._number = name, path, number

    def function(self):
        return "[py] " + self._name

    def filename(self):
        return self._path

    def line(self):
        return self._number

    def address(self):
        # GDB's own server for editors cannot show a frame without an address.
        return self.inferior_frame().pc() if "gdb.dap" in sys.modules else None

    def frame_args(self):
        return None

    def frame_locals(self):
        return None


class Filter:
    """GDB's protocol for frame filters: a name, a priority, whether it is on, and filter()."""

    def __init__(self):
        self.name = NAME
        self.priority = 100
        self.enabled = True

    def filter(self, frames):
        try:
            thread = gdb.selected_thread()
            python = _bytesight.frames(Host(), thread.ptid[1] or thread.ptid[2])
        except _bytesight.Error:
            return frames  # not Python, or not now
        return _merge(frames, python)


def _merge(frames, python):
    by_level = {}
    for level, name, path, number, _ in python:
        by_level.setdefault(level, []).append((name, path, number))
    level = 0
    for frame in frames:
        yield NativeFrame(frame)
        if frame.inferior_frame().type() != gdb.INLINE_FRAME:
            for place in by_level.get(level, ()):
                yield PythonFrame(frame, *place)
            level += 1
        last = frame
    for place in by_level.get(None, ()):  # of C frames that GDB did not get to
        yield PythonFrame(last, *place)


def follow():
    """Be there or not, as the setting has it: a filter changes the look of every frame."""
    if _bytesight.get("frame-filter") == "on":
        if NAME not in gdb.frame_filters:
            gdb.frame_filters[NAME] = Filter()
    else:
        gdb.frame_filters.pop(NAME, None)
