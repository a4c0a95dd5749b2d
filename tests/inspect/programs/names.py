"""Says which code objects names stand for, in a frame and in __main__.

    find NAME ADDRESS      NAME in the innermost frame is this code object
    main NAME ADDRESS      the same in __main__
    missing NAME           is not there, or has no bytecode
    behind NAME WAY        has none, but what WAY names has
    afar NAME              is only in __main__ for the third frame
    malformed NAME         is no name
    name NAME              is one of the names to complete
then "stop", and waits.
"""
import functools
import json
import os
import os.path
import sys
import textwrap
import threading
import types

lines = []


def say(kind, name, function=None):
    code = getattr(function, "__code__", function)
    lines.append(f"{kind} {name} {id(code)}" if code else f"{kind} {name}")


def plain():
    pass


class Base:
    @property
    def value(self):
        return 1

    @value.setter
    def value(self, new):
        pass

    @staticmethod
    def static():
        pass

    @classmethod
    def of(cls):
        pass

    @staticmethod
    @functools.lru_cache
    def cached():
        pass

    def inherited(self):
        pass


class Derived(Base, threading.Thread):
    class Inner:
        def deep(self):
            pass

    def own(self):
        yield self


class Meta(type):
    def of_meta(cls):
        pass


class Methods(metaclass=Meta):
    """Its attributes are also those of its instances, which may hide them."""
    @property
    def value(self):
        pass

    def method(self):
        pass

    def other(self):
        pass


class Slots(Methods):
    __slots__ = ("slot", "empty")


class Number(int, Methods):
    pass


class Pair(tuple, Methods):
    pass


class Failure(Exception, Methods):
    pass


def instances():
    """Of each way in which an object keeps its attributes."""
    yield "inline", Methods()
    many, changed, touched = Methods(), Methods(), Methods()
    touched.__dict__
    yield "touched", touched
    changed.__dict__ = {"before": 1}
    yield "changed", changed
    for i in range(100):
        setattr(many, f"a{i}", i)
    yield "many", many
    yield "slots", Slots()
    yield "number", Number(-12345678901234567890)
    yield "zero", Number(0)
    yield "pair", Pair((1, 2, 3))
    yield "failure", Failure()
    yield "module", type("Module", (type(os), Methods), {})("m")


def say_attributes():
    things.update(instances())
    for name, thing in things.items():
        own, hiding = lambda: 1, lambda: 2
        thing.own, thing.method = own, hiding
        thing.__dict__["value"] = own  # in vain: a property is a data descriptor
        say("main", f"things_of.{name}.own", own)
        say("main", f"things_of.{name}.method", hiding)
        say("main", f"things_of.{name}.other", Methods.other)
        say("main", f"things_of.{name}.value", Methods.value.fget)
        say("missing", f"__main__:things_of.{name}.nothing")
    setattr(things_of, "fresh", Methods())
    say("main", "things_of.fresh.method", Methods.method)
    say("missing", "__main__:things_of.fresh.own")
    things["slots"].slot = own
    say("main", "things_of.slots.slot", own)
    say("missing", "__main__:things_of.slots.empty")
    say("main", "Methods.of_meta", Meta.of_meta)
    say("missing", "__main__:things_of.fresh.of_meta")
    say("main", "wrapper.__wrapped__", plain)


class Things:
    pass


things_of = Things()
things = things_of.__dict__


def annotated(argument: int):
    pass


class Annotated:
    attribute: int


class Unannotated(Annotated):
    pass


def say_computed(gen):
    """What the interpreter computes, but keeps as it is."""
    say("find", "plain.__code__", plain)
    say("find", "method.__func__.__code__", Base.inherited)
    say("find", "gen.gi_code", gen.gi_code)
    say("missing", "plain.gi_code")
    say("missing", "__main__:plain.__annotate__")
    say("missing", "__main__:Unannotated.__annotate__")
    if sys.version_info >= (3, 14):
        say("find", "annotated.__annotate__", annotated.__annotate__)
        say("find", "Annotated.__annotate__", Annotated.__annotate__)


LAZILY = """
lazy import json.decoder
lazy import json.decoder as decoder
lazy import os as system
lazy from textwrap import dedent, indent as shift
lazy from lazily import shift as other
lazy import this
lazy from this import s
"""


def say_lazy_imports():
    """In a module of that name, from 3.15 on: what is loaded for others is there."""
    module = sys.modules["lazily"] = types.ModuleType("lazily")
    exec(LAZILY, vars(module))
    say("main", "lazily:json.dumps", json.dumps)
    say("main", "lazily:json.decoder.JSONDecoder.decode", json.JSONDecoder.decode)
    say("main", "lazily:decoder.JSONDecoder.decode", json.JSONDecoder.decode)
    say("main", "lazily:system.path.join", os.path.join)
    say("main", "lazily:dedent", textwrap.dedent)
    say("main", "lazily:shift", textwrap.indent)
    say("main", "lazily:other", textwrap.indent)
    say("missing", "lazily:json.nothing")
    lines.append("behind lazily:this.s this is not loaded yet")
    lines.append("behind lazily:s this is not loaded yet")


@functools.wraps(plain)
def wrapper():
    pass


def éclair():
    pass


def outer():
    captured = lambda: 1

    def inner(argument):
        def local():
            return argument
        obj = Derived()
        method = obj.inherited
        gen = obj.own()
        if plain is None:
            unset = 0
        say("find", "captured", captured)
        say("find", "argument", argument)
        say("find", "local", local)
        say("find", "plain", plain)
        say("find", "éclair", éclair)
        say("find", "inner", inner)
        say("find", "method", method.__func__)
        say("find", "gen", gen.gi_code)
        say("find", "obj.own", Derived.own)
        say("find", "obj.start", threading.Thread.start)
        say("find", "Derived.inherited", Base.inherited)
        say("find", "Derived.Inner.deep", Derived.Inner.deep)
        say("find", "Base.value", Base.value.fget)
        say("find", "Base.value.fget", Base.value.fget)
        say("find", "Base.value.fset", Base.value.fset)
        say("find", "method.__func__", method.__func__)
        say("find", "Base.static", Base.static)
        say("find", "Derived.of", Base.of.__func__)
        say("find", "json.dumps", json.dumps)
        say("find", "json.decoder.JSONDecoder.decode", json.JSONDecoder.decode)
        say("find", "json.decoder:JSONDecoder.decode", json.JSONDecoder.decode)
        say("find", "os.path.join", os.path.join)
        say("find", "functools.wraps", functools.wraps)
        say("find", "__main__:plain", plain)
        lines.append("behind Base.cached Base.cached.__wrapped__.__wrapped__")
        lines.append("behind __main__:Derived.cached Derived.cached.__wrapped__.__wrapped__")
        lines.append("behind threading.Thread threading.Thread.__init__")
        say("find", "Base.cached.__wrapped__.__wrapped__", Base.cached.__wrapped__)
        say("main", "plain", plain)
        say("main", "Derived.own", Derived.own)
        for name in ("unset", "nothing", "plain.nothing", "len", "json.nothing", "no.such:f", "obj",
                     "json", "Derived", "Base.value.fdel", "Base.value.nothing"):
            say("missing", name)
        for name in ("plain", "Derived.own"):
            say("afar", name)
        for name in ("plain.nothing", "Derived.nothing", "nothing.plain"):
            say("nowhere", name)
        for name in ("", ".", "plain.", ".plain", "a..b", ":", "json:", ":dumps", "a:b:c",
                     "plain()", "plain plain"):
            say("malformed", name)
        for name in ("captured", "argument", "local", "obj", "plain", "éclair", "Derived", "json",
                     "print", "len", "unset", "__name__"):
            say("name", name)
        say_attributes()
        say_computed(gen)
        if sys.version_info >= (3, 15):
            say_lazy_imports()
        lines.append("stop\n")
        os.write(1, "\n".join(lines).encode())
        os.read(0, 100)
        return captured, unset

    inner(plain)


# The third frame from within sees no name of this module.
eval("lambda run: run()", {})(outer)
