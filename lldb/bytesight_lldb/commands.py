"""The commands: `bytesight` and one subcommand for each verb of _bytesight."""

import os
import traceback

import lldb

import _bytesight

from . import backtrace
from .host import Host


def run(debugger, line, context, result):
    """Run one command line; failures become one sentence, as LLDB shows errors."""
    host = Host(debugger, context, result)
    try:
        _bytesight.run(host, line)
    except _bytesight.Error as error:
        result.SetError(str(error))
        return
    except KeyboardInterrupt:
        result.SetError("interrupted")
        return
    except (SystemExit, Exception) as error:  # neither is ever meant to come out
        place = traceback.extract_tb(error.__traceback__)[-1]
        result.SetError(
            "bytesight itself failed in %s:%d, with %s: %s"
            % (os.path.basename(place.filename), place.lineno, type(error).__name__, error)
        )
        return
    finally:
        host.close()
    backtrace.follow(debugger)
    result.SetStatus(
        lldb.eReturnStatusSuccessFinishResult
        if host.wrote
        else lldb.eReturnStatusSuccessFinishNoResult
    )


class Verb:
    """A command of LLDB; one subclass for each verb."""

    verb = ""

    def __init__(self, debugger, _):
        pass

    def __call__(self, debugger, command, context, result):
        run(debugger, self.verb + " " + command, context, result)

    def get_short_help(self):
        return _bytesight.help(self.verb).partition("\n")[0].rstrip(".")

    def get_long_help(self):
        return _bytesight.help(self.verb)


def register(debugger):
    summary = _bytesight.help("").partition("\n")[0].rstrip(".")
    # LLDB crashes when a container takes the place of a command of the user that is none.
    interpreter = debugger.GetCommandInterpreter()
    interpreter.HandleCommand("command script delete bytesight", lldb.SBCommandReturnObject())
    _handle(debugger, 'command container add -o -h "%s" bytesight' % summary)
    for verb, _ in _bytesight.verbs():
        name = "Verb_" + verb
        globals()[name] = type(name, (Verb,), {"verb": verb})
        place = "bytesight." + __name__ + "." + name
        _handle(debugger, "command script add -o -c %s bytesight %s" % (place, verb))


def _handle(debugger, line):
    result = lldb.SBCommandReturnObject()
    debugger.GetCommandInterpreter().HandleCommand(line, result)
    if not result.Succeeded():
        raise ImportError(result.GetError().strip())
