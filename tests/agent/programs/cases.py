"""Functions for tests/agent: every kind of event, and every way to end badly."""

import asyncio
import cProfile
import ctypes
import fcntl
import gc
import linecache
import mmap
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict, deque

# What the C library and Python set up with the first thread is not to be laid to a run.
first_thread = threading.Thread(target=lambda: None)
first_thread.start()
first_thread.join()
while len(os.listdir("/proc/self/task")) > 1:
    time.sleep(0.001)

VALUE = 7
COUNTED = Counter("abca")


def map_descriptor(fd):
    os.truncate(fd, mmap.PAGESIZE)
    page = mmap.mmap(fd, mmap.PAGESIZE)
    os.close(fd)
    return page


def map_ring():
    """Of io_uring, which has one system call on all machines; or other memory, where it may not."""
    ring = ctypes.CDLL(None).syscall(425, 1, (ctypes.c_uint * 30)())
    page = mmap.mmap(ring, mmap.PAGESIZE)
    if ring >= 0:
        os.close(ring)
    return page


def map_cut_off():
    """Shared memory that is not there any more: reading it is SIGBUS."""
    fd = os.memfd_create("cut off")
    page = map_descriptor(os.dup(fd))
    os.truncate(fd, 0)
    os.close(fd)
    return page


def lease():
    """A file of which the kernel tells this process, by what ends it, when another opens it."""
    file = tempfile.TemporaryFile()
    try:
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    except OSError:
        pass  # not in every file system
    return file


leased = lease()
cut_off = map_cut_off()
shared = {
    "anonymous": mmap.mmap(-1, mmap.PAGESIZE),
    "memfd": map_descriptor(os.memfd_create("cases")),
    "named": map_descriptor(os.open("/dev/shm", os.O_TMPFILE | os.O_RDWR)),
    "ring": map_ring(),
    "file": map_descriptor(os.open("/var/tmp", os.O_TMPFILE | os.O_RDWR)),
}
state = {"runs": 0}


def typed(text, filename="<typed>"):
    """A function `now` of a text that is in no file, as what is typed at the prompt."""
    code = compile(text, filename, "exec")
    if hasattr(linecache, "_interactive_cache"):
        linecache._register_code(code, text, filename)
    else:
        linecache.cache[filename] = (len(text), None, text.splitlines(True), filename)
    names = {}
    exec(code, names)
    return names["now"]


now = typed("""def now():
    return 1
""")


def add(a, b=1, *, c=0):
    return a + b + c


def call_with(n):
    with open(os.devnull) as file:
        if n:
            return file.fileno() >= 0
    return None


def numbers(n):
    for i in range(n):
        yield i


def consume(n):
    return sum(x for x in numbers(n))


def delegate(n):
    yield from numbers(n)
    return n


def delegated(n):
    return list(delegate(n))


def thrown_into():
    generator = numbers(3)
    next(generator)
    try:
        generator.throw(KeyError("in"))
    except KeyError:
        return "out"


def matched(value):
    match value:
        case [first, *_]:
            return first
        case {"key": found}:
            return found
        case _:
            return None


async def step(n):
    await asyncio.sleep(0)
    return n


async def steps(n):
    total = 0
    for i in range(n):
        total += await step(i)
    return total


def run_async(n):
    return asyncio.run(steps(n))


def factorial(n):
    return 1 if n < 2 else n * factorial(n - 1)


def endless(n=0):
    return endless(n + 1)


def spin():
    while True:
        pass


def callbacks(values):
    return sorted(values, key=lambda value: -value)


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def norm(self, scale=1):
        return (abs(self.x) + abs(self.y)) * scale

    class Inner:
        @staticmethod
        def make(value):
            return [value]


def fail(message):
    raise ValueError(message)


def leave():
    sys.exit(5)


def leave_at_once():
    os._exit(9)


def kill_itself(number=signal.SIGKILL):
    os.kill(os.getpid(), number)


def kill_parent():
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(5)


def spoil_run():
    """Writes over what the debugger and the agent share: the size of it, and the watcher's number."""
    with open("/proc/self/maps") as maps:
        for start in [int(line.split("-")[0], 16) for line in maps if " rw-s " in line]:
            if ctypes.string_at(start, 8) == b"BETYBSGT":
                ctypes.c_uint64.from_address(start + 8).value = 1 << 40
                ctypes.c_int32.from_address(start + 24).value = 0
                return
    raise RuntimeError("there is no such memory")


def abort():
    os.abort()


def fail_assertion():
    ctypes.CDLL(None).__assert_fail(b"x > 1", b"f.c", 7, b"f")


def fail_fatally():
    ctypes.pythonapi.Py_FatalError(b"out of luck")


def give_up(lines=0, status=None):
    """As C++ programs do; after so many lines of something else, some milliseconds of them."""
    for i in range(lines):
        os.write(2, b"%d\n" % i)
    os.write(2, b"  what():  it is late\n\n")
    if status:
        os._exit(status)
    os.abort()


def crash():
    return ctypes.string_at(16)


def assert_shared(total):
    assert total == sum(page[0] for page in shared.values())


def write_shared(kind):
    shared[kind][0] = 1


def overrun():
    """What AddressSanitizer stands before: malloc() and memset()."""
    library = ctypes.CDLL(None)
    library.malloc.restype = ctypes.c_void_p
    library.memset(ctypes.c_void_p(library.malloc(10)), 0, 20)


def overrun_and_fail():
    overrun()
    fail_assertion()


def overflow_stack():
    """In C, where no recursion limit helps: the C library parses nested parentheses recursively."""
    return ctypes.CDLL(None).regcomp(ctypes.create_string_buffer(256), b"(" * 1_000_000, 1)


def exit_c():
    ctypes.CDLL(None).exit(3)


def hang():
    while True:
        pass


def sleep(seconds):
    time.sleep(seconds)


class BadRepr:
    def __repr__(self):
        raise RuntimeError("no repr")


class BadStr(Exception):
    def __str__(self):
        raise RuntimeError("no str")


def bad_repr():
    return BadRepr()


def bad_str():
    raise BadStr()


def huge(kind):
    make = {
        "str": lambda: "x" * 100_000_000,
        "bytes": lambda: b"y" * 100_000_000,
        "list": lambda: [VALUE] * 10_000_000,
        "dict": lambda: dict(zip(range(300_000), range(300_000))),
        "nested": lambda: [["z" * 50_000_000]],
        "wide": lambda: "\u20ac" * 50_000_000,
        "failing": lambda: {"k" * 300: type("T" * 100, (BadRepr,), {})()},
    }
    return make[kind]()


class Text(str):
    pass


class Counted(dict):
    def __len__(self):
        raise RuntimeError("no one is to count")


def big(kind):
    """Large, and of types that know how to write themselves, without a bound."""
    items = defaultdict(int, zip(range(300_000), range(300_000)))
    for _ in range(300):
        give(items)
    make = {
        "defaultdict": lambda: items,
        "keys": items.keys,
        "deque": lambda: deque(range(300_000)),
        "text": lambda: Text("x" * 50_000_000),
        "range": lambda: range(500_000),
        "counted": lambda: Counted({1: 2}),
    }
    return make[kind]()


def recursive_list():
    items = [1]
    items.append(items)
    return items


def loop(n):
    total = 0
    for i in range(n):
        total += i
    return total


def returns(n):
    return [add(0, 0) for _ in range(n)]


def other_path_each_time():
    """Takes another path from its third line on, every other time."""
    state["runs"] += 1
    if state["runs"] % 2:
        return add(1)
    return [add(1), add(2)]


def slow_now_and_then(calls=[]):
    calls.append(None)
    if len(calls) % 10 == 0:
        time.sleep(0.001)


def slower_each_time():
    state["runs"] += 1
    return state["runs"]


def set_trace():
    seen = []
    sys.settrace(lambda frame, event, arg: seen.append(event))
    add(1)
    sys.settrace(None)
    return seen


def exchange_trace():
    old = sys.gettrace()
    sys.settrace(None)
    add(1)
    sys.settrace(old)
    return add(2)


def fork_and_return():
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
    return add(1)


def leave_child():
    if not os.fork():
        time.sleep(60)
        os._exit(0)
    return add(1)


def leave_many():
    """So many that their numbers take more than one read."""
    for _ in range(400):
        if not os.fork():
            os.fork()
            time.sleep(60)
            os._exit(0)
    return add(1)


def start_thread():
    found = []
    thread = threading.Thread(target=lambda: found.append(add(1)))
    thread.start()
    thread.join()
    return found


def install_handlers():
    signal.signal(signal.SIGUSR1, lambda number, frame: None)
    os.kill(os.getpid(), signal.SIGUSR1)
    return add(1)


text_file = os.open(os.__file__, os.O_RDONLY)
os.lseek(text_file, 10, os.SEEK_SET)
duplicated = os.dup(text_file)
again = os.open(os.__file__, os.O_RDONLY)
directory = os.open("/usr", os.O_RDONLY | os.O_DIRECTORY)
with tempfile.TemporaryFile() as removed:
    log_file = os.dup(removed.fileno())
socket_pair = [end.detach() for end in socket.socketpair()]


def position(fd):
    return os.lseek(fd, 0, os.SEEK_CUR)


def use_files():
    """Where one is in files and directories is ours, but for what was duplicated."""
    state["at"] = state.get("at", 10)
    assert position(text_file) == state["at"]
    os.lseek(again, 1, os.SEEK_SET)
    state["at"] += len(os.read(text_file, 100))
    assert position(duplicated) == state["at"]
    assert position(again) == 1
    assert os.listdir(directory)
    os.write(log_file, b"more")


def stop_waiting():
    for end in socket_pair:
        os.set_blocking(end, False)


def print_lines():
    print("from the clone")
    sys.stdout.flush()
    os.write(2, b"from the clone\n")
    os.system("echo from the clone")


def make_many(n):
    """Code objects that live for one call."""
    return sum(eval(f"{i} + 1") for i in range(n))


def make_wide(n):
    """Code objects with a constant of 64 KiB each."""
    return sum(len(eval(f"'{i:065535}'")) for i in range(n))


def wide():
    """An instruction with EXTENDED_ARG."""
    result = 0
    for i in range(2):
        result += 1
        if result > 100:
            result += 1; result += 2; result += 3; result += 4; result += 5; result += 6
            result += 1; result += 2; result += 3; result += 4; result += 5; result += 6
            result += 1; result += 2; result += 3; result += 4; result += 5; result += 6
            result += 1; result += 2; result += 3; result += 4; result += 5; result += 6
            result += 1; result += 2; result += 3; result += 4; result += 5; result += 6
            result += 1; result += 2; result += 3; result += 4; result += 5; result += 6
            result += 1; result += 2; result += 3; result += 4; result += 5; result += 6
            result += 1; result += 2; result += 3; result += 4; result += 5; result += 6
            result += 1; result += 2; result += 3; result += 4; result += 5; result += 6
            result += 1; result += 2; result += 3; result += 4; result += 5; result += 6
            result += 1; result += 2; result += 3; result += 4; result += 5; result += 6
    return result


def at(go):
    """A frame whose names CALL may use, but not keep."""
    local = 30
    text = "abc"
    kept = object()
    references = sys.getrefcount(kept)
    go()
    if sys.getrefcount(kept) != references:
        print("changed: references to a local")
    return local, text


# A frame that sees no name of this module.
elsewhere = eval("lambda go: go()", {})


def give(value):
    return value


class NoTextRepr:
    def __repr__(self):
        return 3


def no_text_repr():
    return NoTextRepr()


def reraised():
    try:
        fail("first")
    except ValueError as error:
        raise RuntimeError("second") from error


def failing_numbers():
    try:
        yield 1
        fail("in generator")
    finally:
        add(1)


def escaping_generator():
    return [n for n in failing_numbers()]


class Guard:
    __repr__ = lambda self: "a guard"

    def __enter__(self):
        return self

    def __exit__(self, *raised):
        add(1)


def unwound():
    with Guard():
        for n in failing_numbers():
            if n > 1:
                break


def comprehensions(n):
    squares = {i: i * i for i in range(n)}
    return [i for i in squares if i], {i for i in squares}, (lambda: n)()


def run_steps(n):
    """The coroutine driven by hand: no event loop between."""
    coroutine = steps_without_loop(n)
    try:
        while True:
            coroutine.send(None)
    except StopIteration as stop:
        return stop.value


class Awaited:
    def __await__(self):
        yield
        return 1


async def steps_without_loop(n):
    total = 0
    for _ in range(n):
        total += await Awaited()
    async with AsyncGuard():
        return total


class AsyncGuard:
    __repr__ = lambda self: "a guard"

    async def __aenter__(self):
        return self

    async def __aexit__(self, *raised):
        await Awaited()


def inside_trace_function(go):
    """Stopped in a trace function, where tracing is off."""
    def trace(frame, event, arg):
        go()

    sys.settrace(trace)
    add(1)
    sys.settrace(None)


def while_tracing(go):
    """A trace function and a profile function of the program's own must see nothing of a run."""
    seen = []

    def watch(frame, event, arg):
        seen.append(frame.f_code.co_name)
        return watch

    sys.settrace(watch)
    sys.setprofile(watch)
    go()
    still = sys.gettrace() is watch, sys.getprofile() is watch
    before = len(seen)
    add(1)
    more = len(seen) > before
    sys.setprofile(None)
    sys.settrace(None)
    if "add_up" in seen or still != (True, True) or not more:
        print("trace functions:", still, more, seen)


held = []


def resume_held():
    return next(held[0])


def while_holding_a_traced_generator(go):
    """One that has begun, and that the program traces."""
    def watch(frame, event, arg):
        return watch

    held[:] = [numbers(1000000)]
    next(held[0])
    frame = held[0].gi_frame
    frame.f_trace = watch
    frame.f_trace_opcodes = True
    go()
    if frame.f_trace is not watch or not frame.f_trace_opcodes:
        print("the generator's frame:", frame.f_trace, frame.f_trace_opcodes)


def add_up():
    return add(1) + add(2)


def on_a_thread(go):
    tasks = len(os.listdir("/proc/self/task"))
    thread = threading.Thread(target=go)
    thread.start()
    thread.join()
    while len(os.listdir("/proc/self/task")) > tasks:  # it has ended, but for the kernel
        time.sleep(0.001)


def while_blocking_signals(go):
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    go()
    if signal.SIGRTMAX in signal.sigpending():
        print("a signal waits")
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def while_handling_sigint(go):
    before = signal.signal(signal.SIGINT, lambda *_: print("the program's handler ran"))
    go()
    ours = signal.signal(signal.SIGINT, before)
    if ours.__qualname__ != "while_handling_sigint.<locals>.<lambda>":
        print("changed: the handler of SIGINT")


def while_tracing_in_c(go):
    """Functions in C, installed with no object: sys.gettrace() and sys.getprofile() know of none."""
    hook_type = ctypes.PYFUNCTYPE(
        ctypes.c_int, ctypes.c_void_p, ctypes.py_object, ctypes.c_int, ctypes.c_void_p)
    python = ctypes.pythonapi
    traced, profiled = [], []

    def note(names):
        def hook(self, frame, what, arg):
            names.append(frame.f_code.co_name)
            return 0
        return hook_type(hook)

    trace, profile = note(traced), note(profiled)
    python.PyEval_SetTrace(trace, None)
    python.PyEval_SetProfile(profile, None)
    go()
    before = len(traced), len(profiled)
    add(1)
    python.PyEval_SetProfile(None, None)
    python.PyEval_SetTrace(None, None)
    for names, count in zip((traced, profiled), before):
        if "add_up" in names or "add" not in names[count:]:
            print("functions in C saw", names[:count], "and then", names[count:])


def while_profiling(go):
    """A profile function in C: cProfile's goes on counting after a run."""
    profiler = cProfile.Profile()
    profiler.enable()
    go()
    add(1)
    profiler.disable()
    names = [entry.code.co_name for entry in profiler.getstats()
             if not isinstance(entry.code, str)]
    if "add" not in names or "add_up" in names:
        print("profiler saw", names)


def while_monitoring(go):
    """A monitoring tool, on Python that has them: its events are as they were."""
    monitoring = getattr(sys, "monitoring", None)
    if not monitoring:
        go()
        return
    seen = []
    events = monitoring.events
    monitoring.use_tool_id(3, "test")
    monitoring.register_callback(3, events.PY_START,
                                 lambda code, offset: seen.append(code.co_name))
    monitoring.set_events(3, events.PY_START)
    go()
    if monitoring.get_events(3) != events.PY_START or "add_up" in seen:
        print("monitoring:", monitoring.get_events(3), seen)
    del seen[:]
    add(1)
    monitoring.set_events(3, 0)
    monitoring.free_tool_id(3)
    if seen != ["add"]:
        print("monitoring saw", seen)


def while_forks_are_slow(go):
    """More than the watcher has patience for, and never again as it was: a process for itself."""
    os.register_at_fork(before=lambda: time.sleep(3.4))
    go()


def while_handling(go):
    """With an exception being handled, and the collector off."""
    gc.disable()
    try:
        fail("outside")
    except ValueError as error:
        go()
        if sys.exc_info()[1] is not error:
            print("the exception that is handled changed")
    if gc.isenabled():
        print("the collector is on")
    gc.enable()


def while_locked(go):
    """With the import lock held by this thread, and a thread that waits for the GIL."""
    import _imp
    stop = []
    thread = threading.Thread(target=lambda: [time.sleep(0.001) for _ in iter(lambda: stop, [1])])
    thread.start()
    _imp.acquire_lock()
    go()
    _imp.release_lock()
    stop.append(1)
    thread.join()
    while len(os.listdir("/proc/self/task")) > 1:
        time.sleep(0.001)


def with_no_importlib(go):
    """As if its file could not be read any more: by another user, or behind a chroot(2)."""
    importlib = sys.modules["importlib"]
    sys.modules["importlib"] = None
    go()
    sys.modules["importlib"] = importlib


def with_no_gettrace(go):
    gettrace = sys.gettrace
    del sys.gettrace
    go()
    sys.gettrace = gettrace


def deep(go, depth=300):
    return go() if not depth else deep(go, depth - 1)


def suspended(values=[]):
    """Leaves a generator behind that has begun, and goes on with it the next time."""
    if not values:
        values.append(numbers(1000000))
    return next(values[0])


def uses_up(values, empty=[]):
    """Raises from then on, when it was called with what another call has had."""
    empty += [True] * (not values)
    values.clear()
    if empty:
        raise ValueError("had before")


REFILLED = []


def refilled():
    """The same list for each run, full again."""
    REFILLED[:] = [1, 2]
    return REFILLED


def captured(path, query):
    first = 1
    def inner():
        return path, first
    path = 2
    return inner(), query


def litter():
    """A megabyte in a reference cycle, for the collector."""
    block = [b"x" * (1 << 20)]
    block.append(block)


lock = ctypes.c_int(0)


def take_lock():
    assert not lock.value
    lock.value = 1
