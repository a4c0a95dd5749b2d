"""Changes to the debugger that are taken back whatever happens, a second Ctrl-C included."""

import gdb


class Undo:
    """A stack of steps that put things back; leaving the `with` block takes them all."""

    def __init__(self):
        self._steps = []

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        interruption = None
        while self._steps:
            # A step may have been interrupted half-way: steps set a state, so taking one twice
            # is harmless, and it is removed only once it has been taken.
            try:
                self._steps[-1]()
            except KeyboardInterrupt as error:
                interruption = error
                continue
            except gdb.error:
                pass  # the thread, the frame or the process is gone: nothing to put back
            self._steps.pop()
        if interruption and kind is None:
            raise interruption
        return False

    def add(self, step, *arguments):
        self._steps.append(lambda: step(*arguments))

    def setting(self, name, value):
        """`set NAME VALUE` for the duration."""
        before = gdb.parameter(name)
        if before == value:
            return
        self.add(set_parameter, name, before)
        set_parameter(name, value)

    def selection(self):
        """Select the thread and frame again that are selected now."""
        thread = gdb.selected_thread()
        if thread is None:
            return
        frame = gdb.selected_frame()
        self.add(_select, thread, frame, frame.level())


def _select(thread, frame, level):
    if not thread.is_valid():
        return
    thread.switch()
    if not frame.is_valid():
        frame = gdb.newest_frame()
        while frame.level() < level and frame.older():
            frame = frame.older()
    frame.select()


def set_parameter(name, value):
    if value is None:
        value = "unlimited"
    elif value is True or value is False:
        value = "on" if value else "off"
    gdb.execute("set %s %s" % (name, value), False, True)
