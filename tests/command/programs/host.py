"""Drives _bytesight with a host of its own: what comes back, and what becomes of exceptions."""

import importlib.machinery
import importlib.util
import sys

PATH = sys.argv[1]


def load():
    loader = importlib.machinery.ExtensionFileLoader("_bytesight", PATH)
    spec = importlib.util.spec_from_file_location("_bytesight", PATH, loader=loader)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Host:
    """A process without Python; `fail` maps the name of a method to what it raises or gives."""

    def __init__(self, kind="live", **fail):
        self.kind = kind
        self.fail = fail
        self.text = ""
        self.escapes = {"title": "<T>", "file": "<F>"}

    def answer(self, name, value):
        value = self.fail.get(name, value)
        if isinstance(value, BaseException):
            raise value
        return value

    def read(self, address, length):
        return self.answer("read", bytes(length))

    def lookup(self, name):
        return self.answer("lookup", LookupError(name))

    def modules(self):
        return self.answer("modules", [("/bin/cat", 0x1000, 0x2000, None)])

    def write_memory(self, address, data):
        self.answer("write_memory", None)

    def state(self):
        return self.answer("state", (self.kind, 4242, 4242, 0))

    def threads(self):
        return self.answer("threads", [4242])

    def walk(self, tid):
        return self.answer("walk", [(0x1004, 0x7FFF0000)])

    def describe(self, address):
        return self.answer("describe", [("main", "cat.c", 7, "/bin/cat", 4)])

    def call(self, tid, function, arguments, flags):
        return self.answer("call", 0)

    def interrupted(self):
        return self.answer("interrupted", False)

    def write(self, text):
        self.answer("write", None)
        assert isinstance(text, str)
        self.text += text



class Named(Host):
    def lookup(self, name):
        """Found, whatever it is: so that memory is read."""
        return 0x1000


class DebuggerError(Exception):
    pass


class Unprintable(Exception):
    def __str__(self):
        raise ValueError("no")


def error_of(module, line, host):
    try:
        module.run(host, line)
    except module.Error as error:
        assert len(error.args) == 1 and isinstance(error.args[0], str), error.args
        return str(error)
    except KeyboardInterrupt:
        return KeyboardInterrupt
    return None


def check(actual, expected):
    if isinstance(expected, str) and isinstance(actual, str):
        assert expected in actual, "expected %r in %r" % (expected, actual)
    else:
        assert actual is expected or actual == expected, "%r, not %r" % (actual, expected)


def surface(module):
    verbs = [name for name, summary in module.verbs() if summary]
    assert verbs[:3] == ["trace", "profile", "show"] and "stack" in verbs, verbs
    check(module.help(""), "Usage: bytesight")
    check(module.help("prof"), "Usage: bytesight profile [OPTIONS] CALL")
    options = {name: (kind, default) for name, kind, default, doc in module.options() if doc}
    check(options["repeats"], ("int", "1500"))
    check(options["timeout"], ("seconds", "60"))
    check(options["in-process"], ("bool", "off"))
    check(options["engine"], ("enum:auto|probe|settrace", "auto"))
    for name, (kind, default) in options.items():
        check(module.get(name), default)
        module.set(name, default)
    module.set("repeats", "7")
    check(module.get("repeats"), "7")
    for bad in (lambda: module.set("repeats", "x"), lambda: module.get("nosuch"),
                lambda: module.help("nosuch")):
        try:
            bad()
        except module.Error as error:
            assert str(error)
        else:
            raise AssertionError("no error")
    for bad in (lambda: module.run(Host()), lambda: module.run(Host(), 3),
                lambda: module.run(Host(), "trace a\0b"), lambda: module.help(None)):
        try:
            bad()
        except (TypeError, ValueError):
            pass
        else:
            raise AssertionError("no error")
    check(module.complete(Host(), "pro"), ["profile"])
    check(module.complete(Host(), "trace --engine=p"), ["--engine=probe"])
    check(module.complete(Host(), "trace ho"), [])


def output(module):
    host = Host("nothing")
    module.run(host, "status")
    check(host.text, "none; run the program")
    check(host.text, "<T>process\033[m")
    assert all(line.startswith("<T>") for line in host.text.splitlines()), host.text
    painted = host.text
    for escapes, line in (({"title": "<T>"}, "status --no-color"), ({}, "status"), (None, "status")):
        host = Host("nothing")
        host.escapes = escapes
        module.run(host, line)
        check(host.text, painted.replace("<T>", "").replace("<F>", "").replace("\033[m", ""))
    del host.escapes
    module.run(host, "status")


def errors(module):
    check(error_of(module, "trace f", Host("nothing")), "there is no process")
    check(error_of(module, "trace f", Host()), "there is no Python interpreter in this process")
    check(error_of(module, "trace \u03bb\udcff(", Host()), "there is no Python interpreter")
    check(error_of(module, "frob", Host()), 'there is no verb "frob"')
    check(error_of(module, "trace f", Host(state=DebuggerError("the program is running"))),
          "the program is running")
    check(error_of(module, "trace f", Host(state=DebuggerError("a\x1b[2J\nb \u03bb\x9b"))),
          "a\\x1b[2J\\x0ab \u03bb\\x9b")
    check(error_of(module, "trace f", Host(state=Unprintable())), "the debugger gave no reason")
    check(error_of(module, "trace f", Host(state=MemoryError())), "out of memory")
    check(error_of(module, "trace f", Host(state=("weird", 1, 1, 0))), "weird")
    check(error_of(module, "trace f", Host(state=("live", 1))), "tuples of 4")
    check(error_of(module, "trace f", Host(state=None)), "tuples of 4")
    check(error_of(module, "trace f", Host(lookup=DebuggerError("busy"))), "busy")
    check(error_of(module, "trace f", Host(lookup="text")), "int")
    check(error_of(module, "trace f", Named("remote", read=DebuggerError("x"))), "0x1000")
    check(error_of(module, "trace f", Named("remote", read=b"ab")), "0x1000")
    check(error_of(module, "trace f", Named(read="ab")), "bytes")
    check(error_of(module, "status", Host("nothing", write=DebuggerError("no pager"))), "no pager")


def interruptions(module):
    for where in ("state", "lookup", "write", "interrupted"):
        host = Host("nothing" if where in ("write", "interrupted") else "live",
                    **{where: KeyboardInterrupt()})
        check(error_of(module, "status" if host.kind == "nothing" else "trace f", host),
              KeyboardInterrupt)
    check(error_of(module, "status", Host("nothing", interrupted=True)), KeyboardInterrupt)
    check(error_of(module, "trace f", Named(read=KeyboardInterrupt())), KeyboardInterrupt)
    check(error_of(module, "status", Host("nothing")), None)


def main():
    for module in (load(), load()):  # each with settings of its own
        check(module.get("repeats"), "1500")
        surface(module)
        output(module)
        errors(module)
        interruptions(module)
    print("good")


main()
