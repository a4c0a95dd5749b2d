"""Run one call under sys.settrace and write what happened, for tests/oracle/listing_test.c.

    record_trace.py PROGRAM N    case N of CASES of PROGRAM

The output is records, little-endian, each a u8 kind and then

    1 call, 2 line, 3 opcode    u32 code, u32 first line, line or offset in bytes
    4 return                    u32 code, string repr of the value, "" when there is none
    5 exception                 u32 code, string type, string message
    6 stop
    7 code                      string description: a code of native/format/image.h
    8 function                  string __qualname__ of what is called
    9 listing                   string what a listing of all this should be, made with dis
"""

import ast
import dis
import functools
import linecache
import os
import pathlib
import sys

sys.path.insert(0, os.path.dirname(__file__))
import dump_dis  # noqa: E402

KINDS = {"call": 1, "line": 2, "opcode": 3, "return": 4, "exception": 5}
STOP, CODE, FUNCTION, LISTING = 6, 7, 8, 9
RULE = 45
INDENT = 4
u32 = dump_dis.u32


def sources(code):
    lines = sorted({line for _, _, line in code.co_lines() if line})
    texts = [(line, linecache.getline(code.co_filename, line).strip()) for line in lines]
    texts = [u32(line) + dump_dis.string(text) for line, text in texts if text]
    return u32(len(texts)) + b"".join(texts)


@functools.lru_cache(maxsize=None)
def instructions(code):
    return {instruction.offset: instruction for instruction in dis.get_instructions(code)}


def shown_line(instruction):
    line = getattr(instruction, "line_number", instruction.starts_line)
    return "" if line is None else line


def row(code, offset):
    shown = instructions(code)[offset]
    arg = "" if shown.arg is None else shown.arg
    jump = ">> " if shown.is_jump_target else ""
    return (f"{shown_line(shown):>3} {'':>3} {jump:>3} {shown.offset:<3} "
            f"{shown.opname:<20} {arg:<3} ({shown.argrepr})\n")


class Listing:
    """The text of a listing, as it is specified: the second opinion."""

    def __init__(self, name):
        self.text = [f"//// Trace of `{name}` :\n"]
        self.depth = -1

    def add(self, frame, event, arg):
        code = frame.f_code
        self.depth += event == "call"
        indent = " " * (INDENT * self.depth)
        if event == "call":
            name = getattr(code, "co_qualname", code.co_name)
            title = f" {pathlib.Path(code.co_filename).stem}:{code.co_firstlineno} `{name}` "
            self.text.append(f"\n{indent}// =={title:=^{RULE - 4}}==\n")
        elif event == "line":
            source = linecache.getline(code.co_filename, frame.f_lineno).strip()
            self.text.append(f"{indent}// >>> {source or '<source not available>'}\n")
        elif event == "opcode":
            self.text.append(indent + row(code, frame.f_lasti))
        elif event == "return":
            self.text.append(f"{indent}// {'=' * RULE}\n\n")
        else:
            title = f" `{arg[0].__qualname__}` "
            self.text.append(f"\n{indent}// !!{title:!^{RULE - 4}}!!\n")
        self.depth -= event == "return"


class Recorder:
    def __init__(self, name):
        self.codes = {}
        self.described = []
        self.events = []
        self.listing = Listing(name)

    def number(self, code):
        if code not in self.codes:
            self.codes[code] = len(self.codes)
            description = dump_dis.heap(code, b"")[len(u32(0)):-len(u32(0))] + sources(code)
            self.described.append(bytes([CODE]) + dump_dis.string(description))
        return u32(self.codes[code])

    def trace(self, frame, event, arg):
        frame.f_trace = self.trace
        frame.f_trace_opcodes = True
        self.listing.add(frame, event, arg)
        record = bytes([KINDS[event]]) + self.number(frame.f_code)
        if event == "call":
            record += u32(frame.f_code.co_firstlineno)
        elif event == "line":
            record += u32(frame.f_lineno)
        elif event == "opcode":
            record += u32(frame.f_lasti)
        elif event == "return":
            record += dump_dis.string("" if arg is None else repr(arg))
        else:
            record += dump_dis.string(arg[0].__qualname__) + dump_dis.string(str(arg[1]))
        self.events.append(record)
        return self.trace


def run(recorder, function, args, kwargs):
    sys._getframe().f_trace_opcodes = True  # 3.12 wants it where tracing begins
    sys.settrace(recorder.trace)
    try:
        function(*args, **kwargs)
    except Exception:
        pass
    finally:
        sys.settrace(None)


def main():
    program, case = sys.argv[1], int(sys.argv[2])
    with open(program, encoding="utf-8") as file:
        compiled = compile(file.read(), program, "exec")
    names = {"__name__": os.path.basename(program)[:-len(".py")], "__file__": program}
    exec(compiled, names)
    call = ast.parse(names["CASES"][case], mode="eval").body

    def value(node):
        return eval(compile(ast.Expression(node), "<case>", "eval"), names)

    function = value(call.func)
    args = [value(arg) for arg in call.args]
    kwargs = {keyword.arg: value(keyword.value) for keyword in call.keywords}
    recorder = Recorder(function.__qualname__)
    run(recorder, function, args, kwargs)
    sys.stdout.buffer.write(bytes([FUNCTION]) + dump_dis.string(function.__qualname__))
    sys.stdout.buffer.write(b"".join(recorder.described + recorder.events))
    sys.stdout.buffer.write(bytes([STOP]))
    listing = "".join(recorder.listing.text)
    sys.stdout.buffer.write(bytes([LISTING]) + dump_dis.string(listing))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
