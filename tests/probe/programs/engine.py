"""The probe engine in a real Python: a line for each case, "ok NAME" or "failed NAME: why".

    engine.py AGENT

Calls are profiled through the agent as a debugger would have it done; what came of them is compared
with what this process knows itself.
"""

import ctypes
import dis
import glob
import os
import signal
import struct
import sys
import threading
import time

import probed
from probed import arithmetic, driver

PROFILER = probed.start()
TRIES = 4  # of what else runs on the machine may spoil
CODES = {}  # name of a function profiled here: its code object, nested ones too
SEEN = set()
INTERPRETER_3_10 = sys.version_info < (3, 11)
INSTRUMENTED = {number for name, number in dis.opmap.items() if name.startswith("INSTRUMENTED_")}


def case(function):
    try:
        why = function()
    except Exception as error:  # one case must not hide the others
        why = f"{type(error).__name__}: {error}"
    print(f"failed {function.__name__}: {why}" if why else f"ok {function.__name__}", flush=True)


def profile(call, **options):
    return PROFILER.profile(call, **options)


# What is profiled.

def recursive(n=6):
    return n if n < 2 else recursive(n - 1) + recursive(n - 2)


def numbers(n):
    for i in range(n):
        yield i


def delegating(n):
    yield from numbers(n)
    return n


def generators():
    return list(delegating(3)), sum(x * x for x in numbers(4)), [x for x in numbers(3)]


def interleaved():
    a, b = numbers(4), numbers(4)
    return [(next(a), next(b)) for _ in range(3)]


def exceptions():
    caught = 0
    for i in range(3):
        try:
            try:
                if i:
                    raise ValueError(i)
            finally:
                caught += 1
        except ValueError as error:
            caught += error.args[0]
    return caught


class Manager:
    def __enter__(self):
        return self

    def __exit__(self, *raised):
        return True


def managed():
    with Manager():
        raise KeyError
    return 1


def callbacks():
    return sorted([3, 1, 2], key=lambda x: -x), list(map(lambda x: x + 1, (1, 2)))


def closures():
    count = 0

    def bump(by=1):
        nonlocal count
        count += by
        return count
    return bump() + bump(by=2)


class Point:
    __slots__ = ("x", "y")

    def __init__(self, x, y=0):
        self.x = x
        self.y = y

    def length(self):
        return self.x * self.x + self.y * self.y


def objects():
    points = [Point(i, y=i) for i in range(3)]
    return sum(p.length() for p in points), Point(1).length()


async def resting():
    return 1


async def awaiting():
    return await resting() + await resting()


def coroutines():
    try:
        awaiting().send(None)
    except StopIteration as stop:
        return stop.value


def matching():
    found = []
    for value in (1, "a", (1, 2), {"k": 3}, None):
        match value:
            case int():
                found.append("int")
            case (a, b):
                found.append((a, b))
            case {"k": k}:
                found.append(k)
            case _:
                found.append("other")
    return found


wide_source = "def wide():\n    a = 0\n" + "".join(
    f"    v{i} = a + {i}\n" for i in range(300)) + "    return v299\n"
exec(compile(wide_source, "wide.py", "exec"))


# Whether the steps are what ran: as the trace of the same call says.

def all_codes(code, found):
    found.setdefault(getattr(code, "co_qualname", code.co_name), []).append(code)
    for constant in code.co_consts:
        if hasattr(constant, "co_code"):
            all_codes(constant, found)


def unexplained(image):
    """Steps that no event explains, and events that no step does, as (code, unit, what)."""
    names = image.code_names()
    events, steps = image.opcode_events, [(step.code, step.offset) for step in image.steps]
    strange, at = [], 0
    for number, step in enumerate(steps):
        ahead = events[at:at + 4]
        if step in ahead:
            # What is passed over was done by the step before: it was specialised, or 3.10's entry.
            for skipped in ahead[:ahead.index(step)]:
                strange.append((names[skipped[0]], skipped[1], "event", number))
            at += ahead.index(step) + 1
        else:
            strange.append((names[step[0]], step[1], "step", number))
    strange += [(names[code], unit, "event", len(steps)) for code, unit in events[at:]]
    return strange


# Executed and dispatched, but no event of the tracing protocol, on one version or another.
SILENT = {"RESUME", "EXTENDED_ARG", "MAKE_CELL", "COPY_FREE_VARS", "RETURN_GENERATOR", "CACHE",
          "GEN_START", "POP_TOP", "EXIT_INIT_CHECK", "JUMP_BACKWARD_NO_INTERRUPT", "NOT_TAKEN",
          "SEND", "YIELD_VALUE", "END_FOR", "POP_ITER"}


def check_sequence(call, image):
    codes = {}
    for value in list(globals().values()):
        code = getattr(value, "__code__", None)
        if code:
            all_codes(code, codes)
        elif isinstance(value, type):
            for member in vars(value).values():
                if hasattr(member, "__code__"):
                    all_codes(member.__code__, codes)
    names = image.code_names()
    for name, unit, what, number in unexplained(image):
        opname = dis.opname[opcode_at(codes, name, unit)]
        if opname in SILENT or number == len(image.steps):
            continue  # after the last step: under tracing a generator is closed by running it
        if what == "step" and is_before_tracing(codes, name, unit):
            continue
        if what == "event":
            before = image.steps[number - 1] if number else None
            first = unit == 0 or INTERPRETER_3_10
            if first or before.opcode != opcode_at(codes, names[before.code], before.offset):
                continue
        return f"{call}: {what} {name}+{unit} {opname} is not explained"
    return None


def is_before_tracing(codes, name, unit):
    """The protocol begins at RESUME, of a generator the one after it is made; up to 3.11 it says
    EXTENDED_ARG only, and not what that extends."""
    opnames = [dis.opname[opcode_at(codes, name, at)] for at in range(300)]
    made = opnames.index("RETURN_GENERATOR") if "RETURN_GENERATOR" in opnames else 0
    begun = opnames.index("RESUME", made) if "RESUME" in opnames[made:] else 0
    return unit < begun or dis.opname[opcode_at(codes, name, unit - 1)] == "EXTENDED_ARG"


def opcode_at(codes, name, unit):
    """Several functions may have one name: of one that is long enough."""
    for code in codes.get(name, ()):
        if 2 * unit < len(code.co_code):
            return code.co_code[2 * unit]
    return 0


def check_call(call, **options):
    image = profile(call, **options)
    if image.outcome not in (probed.RETURNED, probed.RAISED):
        return f"{call}: {image.message}"
    if image.engine != probed.PROBE:
        return f"{call}: not the probe: {image.engine_text}"
    if image.flags & (probed.FLAG_DIVERGED | probed.FLAG_PER_INSTRUCTION):
        return f"{call}: flags {image.flags}, from event {image.diverged_event}"
    if not image.steps:
        return f"{call}: no steps"
    return check_sequence(call, image)


def sequences():
    for call in ("arithmetic", "recursive", "generators", "interleaved", "exceptions", "managed",
                 "callbacks", "closures", "objects", "coroutines", "matching", "wide"):
        why = check_call(call)
        if why:
            return why


def functions_that_something_else_evaluates():
    """As under -X perf: then each call of a function enters the evaluator anew."""
    maps = set(glob.glob("/tmp/perf-*.map"))
    try:
        sys.activate_stack_trampoline("perf")
    except (AttributeError, ValueError):
        return  # before 3.12, or another build
    try:
        return check_call("recursive") or check_call("closures") or check_call("generators")
    finally:
        sys.deactivate_stack_trampoline()
        for name in set(glob.glob("/tmp/perf-*.map")) - maps:  # ours, and those of the clones
            os.unlink(name)


def engine_is_chosen_by_itself():
    image = profile("arithmetic", engine=0)
    if image.engine != probed.PROBE or " holds the instruction" not in image.engine_text:
        return f"engine {image.engine}: {image.engine_text}"


def opcodes_are_specialised():
    image = profile("arithmetic(30)", warmups=300)
    code = arithmetic.__code__.co_code
    special = [step for step in image.steps if step.opcode != code[2 * step.offset]]
    if INTERPRETER_3_10:
        return "3.10 specialises nothing" if special else None
    if len(special) < len(image.steps) / 4:
        return f"{len(special)} of {len(image.steps)} steps"


def times_add_up():
    image = profile("arithmetic(100)", warmups=500, repeats=500)
    part = image.sum_ns / image.uninstrumented_ns
    if not 0.5 < part < 2:  # a machine under load; the bench is stricter
        return f"{part} of the uninstrumented time"
    if not all(step.cost_ns and step.error_ns for step in image.steps[:-1]):
        return "steps without cost or error"


def short_call_is_no_opcode_in_part():
    # Most of it is the way into the interpreter and out: times that had it by scaling would be much
    # too long, or too short to add up.
    image = profile("one(1)", warmups=500, repeats=500)
    part = image.sum_ns / image.uninstrumented_ns
    if not 0.9 < part < 1.1:
        return f"{part} of the uninstrumented time"
    if not 0.1 < image.entry_ns / image.uninstrumented_ns < 0.9:
        return f"entry {image.entry_ns} of {image.uninstrumented_ns}"


def returning(n):
    return n and returning(n - 1)


def returns_that_follow_each_other_are_parted():
    image = profile("returning(5)", warmups=500, repeats=500)
    offsets = [step.offset for step in image.steps]
    if image.flags & probed.FLAG_DIVERGED or offsets[-6:] != offsets[-1:] * 6:
        return f"flags {image.flags}, offsets {offsets}"


# Nothing is left behind.

def table_state():
    states = []
    with open("/proc/self/maps") as maps:
        mappings = [line.split() for line in maps]
    for address, entries, _ in PROFILER.candidates:
        data = ctypes.string_at(address, 8 * entries)
        for span, permissions, *_ in mappings:
            start, end = (int(word, 16) for word in span.split("-"))
            if start <= address < end:
                states.append((address, data, permissions))
    return states


def unchanged(run):
    before = table_state()
    why = run()
    return why or (None if table_state() == before else "the table or its protection changed")


def clone_leaves_the_table_alone():
    return unchanged(lambda: check_call("arithmetic"))


def in_process_restores_the_table():
    def run():
        for call in ("arithmetic", "generators", "failing"):
            image = profile(call, in_process=1, repeats=50)
            if image.outcome not in (probed.RETURNED, probed.RAISED):
                return image.message
            if image.engine != probed.PROBE or not image.steps:
                return f"{call}: {image.engine_text}"
    return unchanged(run)


def in_process_keeps_no_reference():
    if not hasattr(sys, "gettotalrefcount"):
        return  # only debug builds count them
    runs = 20

    def run():
        for _ in range(runs):
            for call in ("arithmetic", "generators", "failing"):
                profile(call, in_process=1, warmups=5, repeats=20, native=1)
    run()
    with driver.Counted(runs - 1):
        run()


def failing():
    raise ValueError("on purpose")


def endless():
    while True:
        pass


def killed_clone_leaves_the_table_alone():
    def run():
        address = PROFILER.start("napping", repeats=1000, warmups=1)
        shared = probed.driver.Shared.from_address(address)
        writable = False
        for _ in range(200):
            time.sleep(0.002)
            try:
                with open(f"/proc/{shared.worker_pid}/maps") as maps:
                    writable = writable or any("wx" in line.split()[1] for line in maps)
            except OSError:
                pass
            if shared.phase >= 4:
                break
        os.kill(shared.worker_pid, signal.SIGKILL)
        image = PROFILER.finish(address)
        if writable:
            return "memory that is writable and executable"
        if image.outcome in (probed.RETURNED, probed.RAISED):
            return "it was not killed in the middle"
    return unchanged(run)


def deadline_of_the_clone_leaves_the_table_alone():
    def run():
        image = profile("napping", repeats=100000, warmups=1, timeout=1)
        if image.outcome in (probed.RETURNED, probed.RAISED):
            return "it was not killed in the middle"
    return unchanged(run)


def napping():
    time.sleep(0.005)
    return arithmetic()


def timed_out_in_process_restores_the_table():
    return unchanged(lambda: profile("napping", in_process=1, repeats=100000, timeout=1) and None)


PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 22, 38


def forbid_to_make_writable():
    """mprotect() with PROT_READ | PROT_WRITE is out of memory from here on (seccomp(2))."""
    rows = ((0x20, 0, 0, 0), (0x15, 0, 3, 10), (0x20, 0, 0, 32), (0x15, 0, 1, 3),
            (0x06, 0, 0, 0x5000C), (0x06, 0, 0, 0x7FFF0000))
    code = b"".join(struct.pack("=HBBI", *row) for row in rows)
    program = struct.pack("=H6xQ", len(rows), ctypes.cast(code, ctypes.c_void_p).value)
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or prctl(PR_SET_SECCOMP, 2, program, 0, 0):
        raise OSError(ctypes.get_errno(), "no filter")


STATE = []  # of the table, before it was patched


def forbidding(before, after=[]):
    if not after and table_state() != before:
        after.append(True)
        forbid_to_make_writable()


def table_that_stays_patched_can_be_run_through():
    def run():
        profile("forbidding(STATE)", in_process=1, warmups=1, repeats=10)
        return (is_writable or table_state() != STATE) and arithmetic() == expected
    STATE[:] = table_state()
    is_writable = any("w" in permissions for _, _, permissions in STATE)  # as in Debian's 3.15
    expected = arithmetic()
    child = os.fork()
    if not child:
        os._exit(0 if run() else 1)
    status = os.waitpid(child, 0)[1]
    return f"status {status}" if status else None


# What CALL may do.

def spinning(stop):
    while not stop.is_set():
        arithmetic()


def threads_of_the_program():
    """Others run Python all the while; their instructions are not ours."""
    stop = threading.Event()
    others = [threading.Thread(target=spinning, args=(stop,)) for _ in range(2)]
    for other in others:
        other.start()
    try:
        image = profile("releasing", in_process=1, repeats=60, warmups=20, budget=8)
    finally:
        stop.set()
        for other in others:
            other.join()
    if image.engine != probed.PROBE or image.outcome != probed.RETURNED:
        return image.message or image.engine_text
    strange = set(image.code_names()) - {"releasing"}
    return f"steps of {strange}" if strange else check_sequence("releasing", image)


def releasing():
    s = 0
    for i in range(5):
        time.sleep(0)
        s += i
    return s


def starting_threads():
    done = []
    threads = [threading.Thread(target=lambda: done.append(arithmetic())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(done)


def forking():
    pid = os.fork()
    if not pid:
        arithmetic()
        os._exit(3)
    return os.waitpid(pid, 0)[1] >> 8


def interrupted(number, frame):
    raise KeyError("from a handler")


def signalling():
    old = signal.signal(signal.SIGUSR1, interrupted)
    try:
        os.kill(os.getpid(), signal.SIGUSR1)
        for i in range(100):
            pass
    except KeyError:
        return 1
    finally:
        signal.signal(signal.SIGUSR1, old)


def tracing():
    events = []
    sys.settrace(lambda frame, event, arg: events.append(event))
    arithmetic(3)
    sys.settrace(None)
    return len(events)


def profiling():
    events = []
    sys.setprofile(lambda frame, event, arg: events.append(event))
    arithmetic(3)
    sys.setprofile(None)
    return len(events)


def monitoring():
    tool, lines = sys.monitoring, []
    tool.use_tool_id(4, "test")
    tool.register_callback(4, tool.events.LINE, lambda code, line: lines.append(line))
    tool.set_events(4, tool.events.LINE)
    arithmetic(3)
    tool.set_events(4, 0)
    tool.register_callback(4, tool.events.LINE, None)
    tool.free_tool_id(4)
    return len(lines)


def unusual_calls():
    """What other threads and processes run is not timed."""
    for call in ("starting_threads", "forking", "signalling"):
        for in_process in (0, 1):
            image = profile(call, repeats=20, warmups=20, in_process=in_process)
            if image.outcome != probed.RETURNED or image.engine != probed.PROBE or not image.steps:
                return f"{call}: {image.message} {image.engine_text}"
            names = image.code_names()
            timed = {names[step.code] for step in image.steps}
            if call not in timed or "arithmetic" in timed:
                return f"{call}: {timed} was timed"


def calls_that_trace():
    """Correct or refused with a reason, and this process goes on as it was."""
    calls = ["tracing", "profiling"] + ["monitoring"] * hasattr(sys, "monitoring")
    for call in calls:
        for in_process in (0, 1):
            image = profile(call, repeats=20, warmups=20, in_process=in_process)
            if image.outcome != probed.RETURNED and not image.message:
                return f"{call}: outcome {image.outcome} without a reason"
            if image.outcome == probed.RETURNED and not image.steps:
                return f"{call}: no steps"
            if sys.gettrace() or sys.getprofile():
                return f"{call}: left {sys.gettrace()} {sys.getprofile()}"
    return check_call("arithmetic")


def functions_that_a_tool_watches():
    """By local events, which only the copy can be rid of."""
    tool = getattr(sys, "monitoring", None)
    if not tool:
        return
    events = tool.events.PY_START | tool.events.LINE | tool.events.PY_RETURN
    tool.use_tool_id(4, "test")
    tool.set_local_events(4, arithmetic.__code__, events)
    image = profile("arithmetic")
    instrumented = [step for step in image.steps if step.opcode in INSTRUMENTED]
    left = tool.get_local_events(4, arithmetic.__code__)
    tool.set_local_events(4, arithmetic.__code__, 0)
    tool.free_tool_id(4)
    if not INSTRUMENTED or instrumented or not image.steps or left != events:
        return f"{len(instrumented)} of {len(image.steps)} steps, {left} left"


# Long and fickle calls.

def long_call_is_folded():
    turns = 300000
    call, options = f"arithmetic({turns})", {"repeats": 3, "warmups": 3, "max_events": 1000}
    image = profile(call, **options)
    if not image.flags & probed.FLAG_PER_INSTRUCTION:
        return f"flags {image.flags}: {image.message}"
    if len(image.steps) > 100:
        return f"{len(image.steps)} steps"
    most = sorted(image.counts)[-5:]
    if min(most) < turns or max(most) > turns + 1:
        return f"counts {image.counts}"
    # Means over few long runs: what else runs on the machine is in them.
    for _ in range(TRIES):
        part = image.sum_ns / image.uninstrumented_ns
        if 0.4 < part < 2.5:
            return None
        image = profile(call, **options)
    return f"times add up to {part} of the uninstrumented time"


CALLS = [0]


def one(x):
    y = x + 1
    return y


def another(x):
    y = x + 1
    return y


def twins():
    """On 3.10 both have the same bytecode, in one place."""
    return [another(one(i)) for i in range(9)]


def fickle():
    """Another path in every seventh call, in the middle of it."""
    CALLS[0] += 1
    s = arithmetic(5) + len(twins())
    if CALLS[0] % 7 == 0:
        s += arithmetic(3)
        s += 1
    else:
        s -= 1
        s *= 2
    return s


def shy():
    """One path in the repeats, and another where it is looked at."""
    frame = sys._getframe()
    s = 0
    if frame.f_trace_opcodes:
        s += 1
        s += 2
    else:
        s -= 1
        s *= 2
    return s


def parts_where_it_should(call):
    """In the sequence as far as its only jump, and from there on by instruction."""
    image = profile(call.__name__, repeats=100, warmups=50)
    if image.outcome != probed.RETURNED:
        return image.message
    if not image.flags & probed.FLAG_DIVERGED:
        return f"{call.__name__}: flags {image.flags}"
    if not 0 < image.diverged_step < len(image.steps):
        return f"{call.__name__}: diverged at step {image.diverged_step} of {len(image.steps)}"
    if image.events[image.diverged_event][0] != probed.OPCODE:
        return f"{call.__name__}: event {image.diverged_event} is no instruction"
    jumps = [(image.code_names().index(call.__name__), instruction.offset // 2)
             for instruction in dis.get_instructions(call) if "POP_JUMP" in instruction.opname]
    around = image.opcode_events_before(image.diverged_event + 1)
    # Up to 3.11 comparison and jump may be one; from 3.14 on NOT_TAKEN stands behind the jump.
    if not set(around[-3:]) & {jumps[-1]}:
        return f"{call.__name__}: after {around[-3:]}, and the jump is {jumps[-1]}"
    rest = image.steps[image.diverged_step:]
    places = [(step.code, step.offset) for step in rest]
    if places != sorted(set(places)):
        return f"{call.__name__}: {places} are not one for each instruction"


def divergence_is_reported():
    return parts_where_it_should(fickle) or parts_where_it_should(shy)


def functions_that_share_bytecode_do_not_part():
    for engine in (probed.PROBE, probed.SETTRACE):
        image = profile("twins", engine=engine)
        if image.outcome != probed.RETURNED or image.flags & probed.FLAG_DIVERGED:
            return f"engine {engine}: flags {image.flags}, from event {image.diverged_event}"


KINDS = [1, 1.5]


def deoptimising():
    """The same path, but now and then the operands are of another type, in the repeats too."""
    CALLS[0] += 1
    value = KINDS[CALLS[0] // 350 % 2]
    return value + value


def deoptimisations_are_visible():
    if INTERPRETER_3_10:
        return None
    CALLS[0] = 0
    image = profile("deoptimising", repeats=500, warmups=500)
    if not any(step.other_opcode for step in image.steps):
        return "no step with another form"


def counting():
    CALLS[0] += 1
    return arithmetic(5)


def few_repeats_are_few_runs():
    CALLS[0] = 0
    profile("counting", in_process=1, repeats=1, warmups=0)
    if not 4 <= CALLS[0] <= 130:
        return f"{CALLS[0]} calls"


def nothing():
    pass


def pattern_is_told_where_it_is_used():
    """Not of few repeats, nor of few opcodes."""
    for call, repeats, used in (("arithmetic", 100, True), ("arithmetic", 16, False),
                                ("nothing", 100, False)):
        image = profile(call, repeats=repeats)
        if bool(image.flags & probed.FLAG_PATTERNED) != used:
            return f"{call}, {repeats} repeats: flags {image.flags:#x}"


# What is no dispatch table.

def wrong_candidates_are_declined():
    good = PROFILER.candidates
    names = [ctypes.addressof(ctypes.py_object()), id(good), 0, 8, 1 << 46,
             ctypes.cast(ctypes.pythonapi.Py_IsInitialized, ctypes.c_void_p).value & ~7]
    PROFILER.candidates = [(address, 256, 200) for address in names]
    try:
        image = profile("arithmetic", engine=0)
        if image.engine != probed.SETTRACE or "dispatch table" not in image.engine_text:
            return f"engine {image.engine}: {image.engine_text}"
        if image.outcome != probed.RETURNED:
            return image.message
        PROFILER.candidates = []
        image = profile("arithmetic", engine=0)
        if image.engine != probed.SETTRACE or "dispatch table" not in image.engine_text:
            return f"engine {image.engine}: {image.engine_text}"
        image = profile("arithmetic")
        if "dispatch table" not in image.message:
            return f"no reason: {image.message}"
    finally:
        PROFILER.candidates = good


PR_SET_MDWE = 65


def memory_that_cannot_be_executed_is_the_reason():
    """The last: it cannot be undone. Before Linux 6.3 there is no such thing."""
    if ctypes.CDLL(None).prctl(PR_SET_MDWE, 1, 0, 0, 0):
        return
    image = profile("arithmetic", engine=0)
    if image.engine != probed.SETTRACE or "may not make memory executable" not in image.engine_text:
        return f"engine {image.engine}: {image.engine_text}"


for test in (engine_is_chosen_by_itself, sequences, functions_that_something_else_evaluates,
             opcodes_are_specialised, times_add_up, short_call_is_no_opcode_in_part,
             returns_that_follow_each_other_are_parted, clone_leaves_the_table_alone,
             in_process_restores_the_table, in_process_keeps_no_reference,
             killed_clone_leaves_the_table_alone, deadline_of_the_clone_leaves_the_table_alone,
             timed_out_in_process_restores_the_table,
             table_that_stays_patched_can_be_run_through, threads_of_the_program, unusual_calls,
             calls_that_trace, functions_that_a_tool_watches, long_call_is_folded,
             divergence_is_reported, functions_that_share_bytecode_do_not_part,
             deoptimisations_are_visible, few_repeats_are_few_runs,
             pattern_is_told_where_it_is_used, wrong_candidates_are_declined,
             memory_that_cannot_be_executed_is_the_reason):
    case(test)
print("done", flush=True)
