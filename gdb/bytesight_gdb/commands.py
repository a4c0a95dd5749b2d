"""The commands: `bytesight` and one subcommand for each verb of _bytesight."""

import gdb

import _bytesight

from . import parameters
from .host import Host


def run(line):
    """Run one command line; failures become one sentence in GDB's way of showing errors."""
    try:
        _bytesight.run(Host(), line)
    except _bytesight.Error as error:
        raise gdb.GdbError(str(error))
    except (SystemExit, Exception) as error:
        # SystemExit would end GDB. Neither is ever meant to come out: the trace is for us.
        if gdb.parameter("python print-stack") == "full" and isinstance(error, Exception):
            raise
        raise gdb.GdbError(
            "bytesight itself failed, with %s: %s; `set python print-stack full` shows where"
            % (type(error).__name__, error)
        )
    finally:
        parameters.follow_all()


def complete(line, word):
    """GDB's word begins after a break character, bytesight's after a blank: cut the difference."""
    if word is None:
        return None
    start = len(line) - (line.rfind(" ") + 1) - len(word)
    try:
        return [candidate[start:] for candidate in _bytesight.complete(Host(), line)]
    except gdb.error:  # the program runs; nobody has asked for anything
        return []


class Prefix(gdb.Command):
    def __init__(self):
        self.__doc__ = _bytesight.help("").partition("\n\n")[0]  # GDB lists the verbs itself
        super().__init__("bytesight", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, True)

    def invoke(self, argument, from_tty):
        self.dont_repeat()
        run(argument)


class Verb(gdb.Command):
    def __init__(self, verb):
        self.verb = verb
        self.__doc__ = _bytesight.help(verb)
        super().__init__("bytesight " + verb, gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        self.dont_repeat()
        run(self.verb + " " + argument)

    def complete(self, text, word):
        return complete(self.verb + " " + text, word)


def register():
    Prefix()
    for verb, _ in _bytesight.verbs():
        Verb(verb)
