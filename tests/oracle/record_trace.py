"""Run one call under sys.settrace and write what happened, for tests/oracle/listing_test.c.

    record_trace.py PROGRAM N    case N of CASES of PROGRAM

The output is records, little-endian, each a u8 kind and then

    1 call, 2 line, 3 opcode    u32 code, u32 first line, line or offset in bytes
    4 return                    u32 code, string repr of the value, "" when there is none
    5 exception                 u32 code, string type, string message
    6 stop
    7 code                      string description: a code of native/format/image.h
    8 function                  string __qualname__ of what is called
"""

import ast
import linecache
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
import dump_dis  # noqa: E402

KINDS = {"call": 1, "line": 2, "opcode": 3, "return": 4, "exception": 5}
STOP, CODE, FUNCTION = 6, 7, 8
u32 = dump_dis.u32


def sources(code):
    lines = sorted({line for _, _, line in code.co_lines() if line})
    texts = [(line, linecache.getline(code.co_filename, line).strip()) for line in lines]
    texts = [u32(line) + dump_dis.string(text) for line, text in texts if text]
    return u32(len(texts)) + b"".join(texts)


class Recorder:
    def __init__(self):
        self.codes = {}
        self.described = []
        self.events = []

    def number(self, code):
        if code not in self.codes:
            self.codes[code] = len(self.codes)
            description = dump_dis.heap(code, b"")[len(u32(0)):-len(u32(0))] + sources(code)
            self.described.append(bytes([CODE]) + dump_dis.string(description))
        return u32(self.codes[code])

    def trace(self, frame, event, arg):
        frame.f_trace = self.trace
        frame.f_trace_opcodes = True
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
    with open(program) as file:
        compiled = compile(file.read(), program, "exec")
    names = {"__name__": os.path.basename(program)[:-len(".py")], "__file__": program}
    exec(compiled, names)
    call = ast.parse(names["CASES"][case], mode="eval").body

    def value(node):
        return eval(compile(ast.Expression(node), "<case>", "eval"), names)

    function = value(call.func)
    args = [value(arg) for arg in call.args]
    kwargs = {keyword.arg: value(keyword.value) for keyword in call.keywords}
    recorder = Recorder()
    run(recorder, function, args, kwargs)
    sys.stdout.buffer.write(bytes([FUNCTION]) + dump_dis.string(function.__qualname__))
    sys.stdout.buffer.write(b"".join(recorder.described + recorder.events))
    sys.stdout.buffer.write(bytes([STOP]))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
