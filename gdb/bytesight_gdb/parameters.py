"""`set bytesight OPTION` and `show bytesight`: the defaults of _bytesight as GDB parameters."""

import gdb

import _bytesight

from . import frame_filter

# kind of _bytesight.options(): (GDB's kind, a value from its text)
KINDS = {
    "bool": (gdb.PARAM_BOOLEAN, lambda text: text == "on"),
    "int": (gdb.PARAM_STRING_NOESCAPE, str),
    "seconds": (gdb.PARAM_STRING_NOESCAPE, str),
    "string": (gdb.PARAM_STRING_NOESCAPE, str),
    "enum": (gdb.PARAM_ENUM, str),
}

_parameters = []


class Option(gdb.Parameter):
    """One option. The value is kept in _bytesight; this follows it.

    Numbers are texts to GDB, so that _bytesight checks their range and words the error.
    """

    def __init__(self, name, kind, doc):
        kind, _, choices = kind.partition(":")
        parameter, self._from_text = KINDS[kind]
        self.option = name
        self.__doc__ = doc + "."
        self.set_doc, self.show_doc = "Set bytesight %s." % name, "Show bytesight %s." % name
        arguments = [choices.split("|")] if choices else []
        super().__init__("bytesight " + name, gdb.COMMAND_DATA, parameter, *arguments)
        self.follow()

    def follow(self):
        """Take the value that _bytesight has."""
        self.value = self._from_text(_bytesight.get(self.option))

    def get_set_string(self):
        text = {True: "on", False: "off"}.get(self.value, self.value)
        try:
            _bytesight.set(self.option, text.strip())
        except _bytesight.Error as error:
            raise gdb.GdbError(str(error))
        finally:
            self.follow()
            frame_filter.follow()
        return ""

    def get_show_string(self, value):
        return "The default of bytesight's option %s is %s." % (self.option, value or "not set")


class _Set(gdb.Command):
    """Change the defaults of bytesight's options."""

    def __init__(self):
        super().__init__("set bytesight", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, True)

    def invoke(self, argument, from_tty):
        gdb.execute("help set bytesight", from_tty)


class _Show(gdb.Command):
    """Show the defaults of bytesight's options."""

    def __init__(self):
        super().__init__("show bytesight", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, True)

    def invoke(self, argument, from_tty):
        for parameter in _parameters:
            gdb.execute("show bytesight " + parameter.option, from_tty)


def follow_all():
    """Take over what `bytesight set` changed."""
    for parameter in _parameters:
        parameter.follow()
    frame_filter.follow()


def register():
    _Set()
    _Show()
    _parameters[:] = [Option(name, kind, doc) for name, kind, _, doc in _bytesight.options()]
