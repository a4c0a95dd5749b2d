"""Write code objects and what dis says of them, for tests/oracle/dis_test.c to compare.

    dump_dis.py stdlib N    compile every Nth file of the standard library
    dump_dis.py live        functions of this process that have run, with their specialised form

The output is records, little-endian:

    record      = u32 length, byte[length]     a heap of native/format/image.h: a code at offset 4
                  u32 count, instruction[count]
                  u32 count, handler[count]        the exception table
    instruction = u32 offset in bytes, s64 arg, s64 line, u32 label, u8 flags,
                  string opname, string argrepr
                  of live code also: string form, string caches
    handler     = u32 start, u32 end, u32 target, all in bytes, u32 depth, u8 lasti
    string      = u32 length, byte[length]     UTF-8

Flags: 1 has an argument, 2 is a jump target, 4 starts a line. A line of -1 is none, of -2 not told
by dis (up to 3.12, but where a line starts). A label of 0 is none. Form is the name of the
specialised instruction, caches is what its inline cache holds.
"""

import dis
import functools
import opcode
import os
import struct
import sys
import sysconfig
import warnings

HAS_ARG, JUMP_TARGET, STARTS_LINE = 1, 2, 4
NO_LINE, LINE_NOT_TOLD = -1, -2
LOCAL_PLAIN, LOCAL_CELL, LOCAL_FREE = 0x20, 0x40, 0x80
CODE = type((lambda: 0).__code__)
NEW_LINES = sys.version_info >= (3, 13)
CACHES = {name: list(fields.items())
          for name, fields in getattr(opcode, "_cache_format", {}).items()}

u32 = struct.Struct("<I").pack
row = struct.Struct("<IqqIB").pack
handler = struct.Struct("<IIIIB").pack


@functools.lru_cache(maxsize=100000)
def string(value):
    if isinstance(value, str):
        value = value.encode("utf-8", "backslashreplace")
    return u32(len(value)) + value


def strings(values):
    return u32(len(values)) + b"".join(map(string, values))


def local_names(code):
    if not hasattr(code, "_varname_from_oparg"):
        return code.co_varnames + code.co_cellvars + code.co_freevars
    names = []
    try:
        while True:
            names.append(code._varname_from_oparg(len(names)))
    except IndexError:
        return names


def local_kinds(code, names):
    if not hasattr(code, "_varname_from_oparg"):
        return (bytes([LOCAL_PLAIN]) * len(code.co_varnames) +
                bytes([LOCAL_CELL]) * len(code.co_cellvars) +
                bytes([LOCAL_FREE]) * len(code.co_freevars))
    return bytes(LOCAL_PLAIN * (name in code.co_varnames) |
                 LOCAL_CELL * (name in code.co_cellvars) |
                 LOCAL_FREE * (name in code.co_freevars) for name in names)


def heap(code, adaptive):
    names = local_names(code)
    return b"".join((
        u32(0),
        string(getattr(code, "co_qualname", code.co_name)), string(code.co_filename),
        u32(code.co_firstlineno), u32(code.co_flags),
        string(code.co_code), string(adaptive),
        string(code.co_linetable), string(getattr(code, "co_exceptiontable", b"")),
        strings(list(map(repr, code.co_consts))), strings(code.co_names), strings(names),
        string(local_kinds(code, names)), u32(0)))


def line_of(instruction):
    """(line, whether it starts) as dis tells."""
    if NEW_LINES:
        line = instruction.line_number
        return NO_LINE if line is None else line, instruction.starts_line
    line = instruction.starts_line
    return (LINE_NOT_TOLD, False) if line is None else (line, True)


def form_name(op, base):
    """The name of a specialised form; what merely instruments or hides the base is the base."""
    name = dis._all_opname[op]
    return name if dis.deoptmap.get(name) == base else base


def cache_text(name, adaptive, offset):
    fields = []
    for field, units in CACHES.get(name, ()):
        value = int.from_bytes(adaptive[offset:offset + 2 * units], "little")
        fields.append(f"{field}: {value}")
        offset += 2 * units
    return ", ".join(fields)


def rows(code, adaptive):
    shown = list(dis.get_instructions(code))
    encoded = [u32(len(shown))]
    for instruction in shown:
        line, starts = line_of(instruction)
        has_arg = instruction.arg is not None
        flags = (HAS_ARG * has_arg | JUMP_TARGET * instruction.is_jump_target |
                 STARTS_LINE * starts)
        encoded.append(row(instruction.offset, instruction.arg if has_arg else 0, line,
                           getattr(instruction, "label", None) or 0, flags))
        encoded.append(string(instruction.opname))
        encoded.append(string(instruction.argrepr))
        if adaptive:
            unit = instruction.offset
            encoded.append(string(form_name(adaptive[unit], instruction.opname)))
            encoded.append(string(cache_text(instruction.opname, adaptive, unit + 2)))
    return b"".join(encoded)


def handlers(code):
    if not hasattr(code, "co_exceptiontable"):
        return u32(0)
    entries = dis._parse_exception_table(code)
    return u32(len(entries)) + b"".join(
        handler(entry.start, entry.end, entry.target, entry.depth, entry.lasti)
        for entry in entries)


def dump(code, output, adaptive=b""):
    described = heap(code, adaptive)
    output.write(u32(len(described)) + described + rows(code, adaptive) + handlers(code))


def dump_tree(code, output):
    dump(code, output)
    for constant in code.co_consts:
        if isinstance(constant, CODE):
            dump_tree(constant, output)


def library_files():
    """Every source file of the standard library, its tests included."""
    for directory, subdirectories, files in os.walk(sysconfig.get_paths()["stdlib"]):
        subdirectories[:] = sorted(set(subdirectories) - {"site-packages", "dist-packages"})
        for name in sorted(files):
            if name.endswith(".py"):
                yield os.path.join(directory, name)


def dump_library(part, output):
    warnings.simplefilter("ignore")
    for path in list(library_files())[::part]:
        try:
            with open(path, "rb") as file:
                code = compile(file.read(), path, "exec", dont_inherit=True)
        except (SyntaxError, ValueError):
            continue  # tests of the parser: bad_coding.py and the like
        dump_tree(code, output)


def work():
    """Something of many kinds, often enough to be specialised."""
    import argparse
    import collections
    import json
    import random
    import re
    import textwrap
    for i in range(100):
        random.Random(i).shuffle(list(range(50)))
        json.loads(json.dumps({"a": [1, 2.5, "x", None, True], "b": {str(i): i}}, indent=1))
        re.compile(f"(a|b)*c{i}[x-z]+").match("ababc1xyz")
        textwrap.wrap("some words to be wrapped " * 5, 20)
        collections.Counter("hello world").most_common(3)
    argparse.ArgumentParser().parse_args([])


def instrument():
    """Leave code behind with instrumentation on its instructions (3.12 and later)."""
    import shlex

    def tracer(frame, event, arg):
        frame.f_trace_opcodes = True
        return tracer
    sys.settrace(tracer)
    shlex.split("some 'words to' be split", comments=True)
    sys.settrace(None)


def dump_live(output):
    import gc
    work()
    instrument()
    seen = set()
    for function in gc.get_objects():
        code = getattr(function, "__code__", None)
        if isinstance(code, CODE) and code not in seen and code is not dump_live.__code__:
            seen.add(code)
            dump(code, output, code._co_code_adaptive)


def main():
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(0)
    sys.setrecursionlimit(10000)
    output = sys.stdout.buffer
    if sys.argv[1] == "live":
        dump_live(output)
    else:
        dump_library(int(sys.argv[2]), output)
    output.flush()


if __name__ == "__main__":
    main()
