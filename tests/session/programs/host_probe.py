"""Runs inside the debugger's Python: asks a host for everything that the module may ask of it.

Prints one line for each question, free of addresses, so that all debuggers print the same.
"""


def outcome(function, *arguments):
    try:
        return function(*arguments)
    except LookupError:
        return "LookupError"
    except Exception as error:
        return "refused, in one line: %s" % ("\n" not in str(error) and bool(str(error)))


def read_of(host, address, text):
    """What a host reads of `text`, which is written to `address`."""
    host.write_memory(address, text)
    return host.read(address, len(text)).decode()


def probe(host):
    kind, pid, tid, level = host.state()
    print("state", kind, pid == tid, level)
    print("threads", [thread == tid for thread in host.threads()])

    print("lookup of nothing", outcome(host.lookup, "no_such_symbol"))
    runtime, stop = host.lookup("_PyRuntime"), host.lookup("getppid")
    evaluate = host.lookup("_PyEval_EvalFrameDefault")
    print("read", len(host.read(runtime, 4096)), outcome(host.read, 8, 8))

    modules = host.modules()
    inside = [path for path, start, end, _ in modules if start <= evaluate < end]
    print("modules", "python" in modules[0][0], len(inside), "python" in inside[0])
    build_ids = [build_id for path, start, end, build_id in modules if start <= evaluate < end]
    print("build ID", [len(bytes.fromhex(build_id)) for build_id in build_ids])
    print("libc", [path.rpartition("/")[2] for path, start, end, _ in modules if start <= stop < end])

    frames = list(host.walk(tid))
    stacks = [stack for _, stack in frames]
    print("walk", len(frames) > 3, stacks == sorted(stacks), 0 <= frames[0][0] - stop < 16)
    for address, symbol in ((stop, "getppid"), (evaluate, "_PyEval_EvalFrameDefault")):
        function, _, _, module, offset = host.describe(address)[0]
        start = [start for path, start, _, _ in modules if path == module]
        print("describe", symbol in function, start == [address - offset])
    print("describe nothing", host.describe(8))

    print("call", host.call(tid, host.lookup("getpid"), [], 0) == pid)
    pages = [host.call(tid, host.lookup("mmap"), [0, 4096, 3, 0x22, 2**64 - 1, 0], 1)]
    text = b"23 bottles\0"
    host.write_memory(pages[0], text)
    print("write", host.read(pages[0], len(text)) == text)
    answers = (b"-", b"+", b"OK", b"E01")  # to a debugger, of the stub that reads
    print("read as it is", [read_of(host, pages[0] + 64, answer) for answer in answers])
    print("write to nothing", outcome(host.write_memory, 8, text))
    print("number", host.call(tid, host.lookup("atol"), [pages[0]], 0))
    print("unmapped", host.call(tid, host.lookup("munmap"), [pages[0], 4096], 0))
    # Last among the calls: some debuggers announce the signal, whatever they are told.
    print("call of nothing", outcome(host.call, tid, 8, [], 0))
    print("as before", host.state() == (kind, pid, tid, level), list(host.walk(tid)) == frames)

    print("interrupted", host.interrupted())
    host.write("plain text \u2713\n")


def stacks(host):
    """Whether the frames of the selected thread lie one above the other."""
    frames = [stack for _, stack in host.walk(host.state()[2])]
    print("stacks", len(frames) > 3, frames == sorted(frames))


def places(host, *names):
    """Where functions are defined; of files what all debuggers can tell, their own names."""
    for name in names:
        function, path, line, _, _ = host.describe(host.lookup(name))[0]
        print(function, (path or "").rpartition("/")[2], line)


MAPPINGS = """
    0x1000 0x2000 0x1000 0x0 r-xp /lib/a.so (deleted)
    0x3000 0x4000 0x1000 0x1000 r-xp /lib/c.so
    0x5000 0x6000 0x1000 0x0 r-xp /lib/b.so
    0x8000 0x9000 0x1000 0x0 r-xp /lib/a.so
    0xa000 0xb000 0x1000 0x0 r--p /lib/c.so
    0xb000 0xc000 0x1000 0x1000 r-xp /lib/c.so
    0xc000 0xd000 0x1000 0x0 rw-p
    0xd000 0xe000 0x1000 0x0 r-xp
    0xe000 0xf000 0x1000 0x0 rw-p [heap]
"""


def upgraded():
    """The modules of a process with such mappings, as GDB tells them."""
    from bytesight_gdb import symbols

    said, symbols.said = symbols.said, lambda command: MAPPINGS
    try:
        for path, start, end, _ in symbols.modules():
            print(path, hex(start), hex(end))
    finally:
        symbols.said = said


def sleep(host):
    """A call that takes a while, during which the test presses Ctrl-C."""
    tid = host.state()[2]
    frames, function = list(host.walk(tid)), host.lookup("usleep")
    print("sleeping", flush=True)
    print("slept", host.call(tid, function, [1500000], 1), list(host.walk(tid)) == frames)


SECTIONS = """
	0x0000000000400318 - 0x0000000000400334 is .interp
	0x0000000000420000 - 0x0000000000421000 is .text
	0x00007ffff7fc42a8 - 0x00007ffff7fc42c8 is .note.gnu.property in /lib/a.so
	0x00007ffff7fc5080 - 0x00007ffff7fe5084 is .text in /lib/a.so
"""


def sectioned():
    """Where files lie of which a stub tells no mappings, as Valgrind's."""
    from bytesight_gdb import symbols
    for start, end in symbols._from_sections(SECTIONS).values():
        print(hex(start), hex(end))
