"""Keeps code objects alive and says what they are.

    codes.py compiled PART PARTS    of every PARTS-th module of the standard library, from the PART-th
    codes.py run                    of modules that have been used, so that they are specialised
    codes.py traced                 the same under a trace function, so that they are instrumented
    codes.py constants              one made of constants of every kind

For each it prints "code ADDRESS" and its fields, texts in hexadecimal; then "stop", and waits.
"""
import gc
import itertools
import json
import os
import random
import re
import sys
import sysconfig
import textwrap
import types

alive = []


def text(value):
    if isinstance(value, str):
        value = value.encode("utf-8", "backslashreplace")
    return bytes(value).hex() or "-"


def describe(code):
    print("code", id(code))
    print("qualname", text(getattr(code, "co_qualname", code.co_name)))
    print("filename", text(code.co_filename))
    print("first_line", code.co_firstlineno)
    print("flags", code.co_flags)
    print("bytecode", text(code.co_code))
    if hasattr(code, "_co_code_adaptive"):
        print("adaptive", text(code._co_code_adaptive))
    print("linetable", text(code.co_linetable))
    print("exceptiontable", text(getattr(code, "co_exceptiontable", b"")))
    for value in code.co_consts:
        # Of what is very long, the agent and the reader show the beginning only.
        shown = value[:65536] if isinstance(value, (str, bytes)) else value
        print("const", text(repr(shown)))
    for name in code.co_names:
        print("name", text(name))
    if hasattr(code, "_varname_from_oparg"):
        # A cell variable that is also an argument has one number, not two; a class body may have
        # a cell and a free variable of one name. So it is asked how many there are.
        for i in itertools.count():
            try:
                print("local", text(code._varname_from_oparg(i)))
            except IndexError:
                break
    else:
        for name in (*code.co_varnames, *code.co_cellvars, *code.co_freevars):
            print("local", text(name))
    print("end")


def nested(code):
    yield code
    for value in code.co_consts:
        if isinstance(value, types.CodeType):
            yield from nested(value)


def compiled(part, parts):
    library = sysconfig.get_path("stdlib")
    files = []
    for directory, _, names in os.walk(library):
        if "site-packages" not in directory and "lib2to3/tests/data" not in directory:
            files.extend(os.path.join(directory, name) for name in names if name.endswith(".py"))
    for path in sorted(files)[part::parts]:
        try:
            with open(path, "rb") as file:
                code = compile(file.read(), path, "exec")
        except (SyntaxError, ValueError):
            continue  # tests of the parser
        alive.append(code)
        yield from nested(code)


def exercise():
    for _ in range(100):
        re.compile(r"(a|b)+c%d" % random.randrange(9)).match("abababc1")
        json.loads(json.dumps({"a": [1, 2.5, None, "x" * 20], "b": {"c": True}}))
        textwrap.wrap("the quick brown fox " * 3, 20)
        re._parser.parse("(?P<x>[a-z]+)") if hasattr(re, "_parser") else None
        random.sample(range(100), 5)


def used():
    exercise()
    for value in gc.get_objects():
        # Not those that run while they are described.
        if isinstance(value, types.FunctionType) and value.__code__.co_filename != __file__:
            yield from nested(value.__code__)


def constants():
    floats = [2.0**i for i in range(-1074, 1024)] + [5e-324, 1e16, 1e22, 1e23, 0.1, -0.0, 1e-5]
    floats += [float("inf"), float("nan"), 123456789.125, 9007199254740993.0, 2.2250738585072014e-308]
    floats += [random.uniform(-1, 1) * 10 ** random.randrange(-300, 300) for _ in range(5000)]
    ints = [0, 1, -1, 2**30, -(2**30), 2**60 - 1, 10**9, 10**18, -(10**100), 7**3000, -(3**9000)]
    ints += [random.getrandbits(random.randrange(1, 400)) for _ in range(500)]
    strings = ["", "'", '"', "'\"", "\\", "\t\n\r\0\x1f\x7f\x80\xa0\xad\xff", "\ud800", "\U0010ffff"]
    strings += ["".join(map(chr, range(i, i + 64))) for i in range(0, 0x110000, 64)]
    strings += ["x" * 65536 + "\n", "\xe9" * 70000, ("\U0001f600" * 70000,)]
    blobs = [b"", b"'", b'"', b"'\"\\", bytes(range(256)), b"\xff" * 65537]
    others = [None, True, False, ..., 1j, -1j, 0j, 1 + 0j, -0.0 + 1j, complex("nan+nanj"),
              complex(-0.0, -0.0), complex(1e16, -2.5), complex("inf-infj"), (), (1,), ((), (1, ("a",))),
              frozenset(), frozenset({1, 2, "x", None, b"y"}), frozenset({(1, 2)}), slice(1, None, "x")]
    yield compile("1", "constants", "exec").replace(
        co_consts=(*floats, *ints, *strings, *blobs, *others))


def main(kind, *args):
    getattr(sys, "set_int_max_str_digits", id)(0)
    sys.stdout = open(1, "w", buffering=1 << 20, closefd=False)
    if kind == "compiled":
        codes = compiled(*map(int, args))
    elif kind == "constants":
        codes = constants()
    else:
        codes = list(used())
    if kind == "traced":
        def tracer(frame, event, arg):
            frame.f_trace_opcodes = len(frame.f_code.co_names) % 2 == 1
            return tracer
        sys.settrace(tracer)
        exercise()
    seen = set()
    for code in codes:
        if id(code) not in seen:
            seen.add(id(code))
            alive.append(code)
            describe(code)
    print("stop")
    sys.stdout.flush()
    os.read(0, 100)


main(*sys.argv[1:])
