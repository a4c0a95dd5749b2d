"""How right are the times of opcodes? See accuracy_bench.c.

    accuracy.py AGENT [COPIES [MIXTURES]]

One function mixes many kinds of statement, COPIES of each in shuffled order. The truth for one
kind is a slope: by how much the function takes longer, with nothing on, for each further copy that
is inserted at a random place; the slopes of all kinds are then scaled to add up to the function's
own time. All variants are timed in turns, in one run, half of it before the profiles and half after
them.

Where a statement stands decides what the processor's branch prediction makes of it: the same
statements in another order take 1 % more or less, and that is more than COPIES of a cheap kind
take. So truth is the mean over MIXTURES such functions, some of which are profiled, and the time of
a mixture is the mean over it and others of the same statements, of which COPIES stand elsewhere.
The error of truth, which is printed, is from the scatter of the mixtures.

ACCURACY_KINDS=held-out takes another set of statements, by which nothing was chosen.
ACCURACY_OTHERS=KIND (or all) profiles the functions that are longer by COPIES of KIND, too: how much
of what they take longer is in statements of that kind, and how much in all others? A slope is both
together: the former by itself tells how far from it a measurement of where time passes may be.
"""

import gc
import os
import random
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "probe", "programs"))
import probed  # noqa: E402

HEAD = """
class Plain: pass
class Slotted: __slots__ = ("x",)
class Error(Exception): pass
GLOBAL = 5
def callee(n):
    return n
def fails():
    try:
        raise Error
    except Error:
        pass
o = Plain(); o.x = 1; o.y = 2
t = Slotted(); t.x = 3
def mixed(o=o, t=t, l=[1, 2, 3, 4, 5], d={"k": 7, "z": 1}, u=(1, 2, 3), i=12, j=34, x=1.5, y=2.5,
          z=3.5, s="abc", w="def", b=None):
"""

# Each kind assigns to a variable of its own: what a statement leaves behind is its own to clean up.
KINDS = {
    "move": ["v1 = b"],
    "integer addition": ["v2 = i + j"],
    "integer expression": ["v3 = (i * 3 + j) & 255"],
    "float expression": ["v4 = x * y + z"],
    "subscript of a list": ["v5 = l[3]"],
    "subscript of a dict": ["v6 = d['k']"],
    "attribute load": ["v7 = o.x"],
    "attribute store": ["o.y = i"],
    "global load": ["v8 = GLOBAL"],
    "call of a function": ["v9 = callee(i)"],
    "call of a builtin": ["v10 = len(l)"],
    "call of a method": ["v11 = d.get('k')"],
    "comparison and jump": ["if i < j:", "    v12 = b"],
    "tuple": ["v13 = (i, j)"],
    "list": ["v14 = [i, j, b]"],
    "f-string": ["v15 = f'{i}-{s}'"],
    "concatenation": ["v16 = s + w"],
    # In a function of its own: finding handler and line takes longer the longer a function is.
    "exception": ["fails()"],
    "iteration": ["for q in u:", "    pass"],
    "attribute by slot": ["v17 = t.x"],
}

HELD_OUT = {
    "string equality": ["v1 = s == w"],
    "negation": ["v2 = -i"],
    "bitwise and": ["v3 = i & j"],
    "float division": ["v4 = x / y"],
    "store in a list": ["l[1] = i"],
    "store in a dict": ["d['z'] = i"],
    "dict": ["v7 = {'a': i}"],
    "slice": ["v8 = l[1:3]"],
    "identity and jump": ["if b is None:", "    v9 = i"],
    "unpacking": ["v10, v11 = i, j"],
    "subscript of a tuple": ["v12 = u[1]"],
    "membership": ["v13 = i in u"],
    "method of a string": ["v14 = s.upper()"],
    "isinstance": ["v15 = isinstance(o, Plain)"],
    "set": ["v16 = {i, j}"],
    "conditional expression": ["v17 = i if b else j"],
    "call with a keyword": ["v18 = callee(n=i)"],
    "subscript of a string": ["v19 = s[1]"],
}
if os.environ.get("ACCURACY_KINDS") == "held-out":
    KINDS = HELD_OUT

ROUNDS = 40     # of all functions; the profiles come in the middle
TEACHING = 60   # calls of one function in a row, for the branch prediction
COUNTED = 10    # that are timed after them
BASES = 6       # of one mixture: functions of the same statements
PROFILED = 8    # mixtures


class Timed:
    """A function, and how long its calls took in turns."""

    teaching, counted = TEACHING, COUNTED

    def __init__(self, call):
        self.call = call
        self.times = []

    def time(self):
        call = self.call
        for _ in range(self.teaching):
            call()
        counted = range(self.counted)
        start = time.perf_counter_ns()
        for _ in counted:
            call()
        self.times.append((time.perf_counter_ns() - start) / self.counted)


class Function(Timed):
    """One sequence of statements, compiled."""

    def __init__(self, kinds):
        lines = HEAD.splitlines()
        self.kinds = kinds
        self.statements = {}  # which one a line belongs to
        for statement, kind in enumerate(kinds):
            for text in KINDS[kind]:
                lines.append("    " + text)
                self.statements[len(lines)] = statement
        lines.append("    return i")
        names = {}
        exec(compile("\n".join(lines), "mixed.py", "exec"), names)
        super().__init__(names["mixed"])

    def ns(self, empty_ns=0.0):
        """What one call takes in a quiet moment."""
        return sorted(self.times)[len(self.times) // 16] - empty_ns


def nothing():
    pass


def insert(kinds, kind, count, random_):
    longer = list(kinds)
    for _ in range(count):
        longer.insert(random_.randrange(len(longer) + 1), kind)
    return longer


def move(kinds, count, random_):
    moved = list(kinds)
    for _ in range(count):
        kind = moved.pop(random_.randrange(len(moved)))
        moved.insert(random_.randrange(len(moved) + 1), kind)
    return moved


class Mixture:
    def __init__(self, copies, seed):
        random_ = random.Random(seed)
        kinds = [kind for kind in KINDS for _ in range(copies)]
        random_.shuffle(kinds)
        self.base = Function(kinds)
        self.bases = [self.base] + [Function(move(kinds, copies, random_)) for _ in range(BASES - 1)]
        self.longer = {kind: Function(insert(kinds, kind, copies, random_)) for kind in KINDS}

    def functions(self):
        return self.bases + list(self.longer.values())

    def settle(self, empty_ns):
        """All is timed: what COPIES more of each kind add, and the mixture's own time."""
        self.base_ns = statistics.mean(f.ns(empty_ns) for f in self.bases)
        self.added_ns = {kind: f.ns(empty_ns) - self.base_ns for kind, f in self.longer.items()}


def truth_of(mixtures, copies):
    """Time of one statement of each kind, and the sum of the slopes as a part of the whole."""
    total_ns = sum(mixture.base_ns for mixture in mixtures)
    added = {kind: sum(mixture.added_ns[kind] for mixture in mixtures) for kind in KINDS}
    part = sum(added.values()) / total_ns
    return {kind: ns / part / copies / len(mixtures) for kind, ns in added.items()}, part


def standard_errors(mixtures, copies):
    """The jackknife (Quenouille 1949, Tukey 1958): how the truth changes without each mixture."""
    count = len(mixtures)
    without = [truth_of(mixtures[:i] + mixtures[i + 1:], copies)[0] for i in range(count)]
    return {kind: (statistics.pvariance(table[kind] for table in without) * (count - 1)) ** 0.5
            for kind in KINDS}


def lines_of(code):
    """The line of each code unit."""
    if hasattr(code, "co_positions"):
        return [position[0] for position in code.co_positions()]
    lines = {}
    for start, end, line in code.co_lines():
        lines.update((unit, line) for unit in range(start // 2, end // 2))
    return [lines[unit] for unit in sorted(lines)]


def by_statement(function, times):
    """From (function name, unit, ns, error) to kind, time and squared error of each statement."""
    lines = lines_of(function.call.__code__)
    statements = [[kind, 0.0, 0.0] for kind in function.kinds]
    at = None
    for name, unit, ns, error_ns in times:
        # What a statement calls is its own, and so is what has no line, as the end of a handler.
        if name == "mixed" and lines[unit]:
            at = function.statements.get(lines[unit])
        if at is not None:
            statements[at][1] += ns
            statements[at][2] += error_ns ** 2
    return statements


def by_kind(statements, copies):
    """Time and error of one statement of each kind."""
    sums, squares = dict.fromkeys(KINDS, 0.0), dict.fromkeys(KINDS, 0.0)
    for kind, ns, square in statements:
        sums[kind] += ns
        squares[kind] += square
    return ({kind: ns / copies for kind, ns in sums.items()},
            {kind: (square / copies) ** 0.5 for kind, square in squares.items()})


def aftermath(profiles):
    """How much longer than usual the statement after one of each kind takes.

    A kind that runs much C code leaves branch prediction and caches worse for what follows. A slope
    charges that to the kind; stamps charge it to who waits."""
    times = {kind: [] for kind in KINDS}
    for statements in profiles:
        for kind, ns, _ in statements:
            times[kind].append(ns)
    usual = {kind: statistics.mean(values) for kind, values in times.items()}
    weight = {kind: 1 / max(1.0, statistics.variance(values)) for kind, values in times.items()}
    longer, weights = dict.fromkeys(KINDS, 0.0), dict.fromkeys(KINDS, 0.0)
    for statements in profiles:
        for (before, _, _), (kind, ns, _) in zip(statements, statements[1:]):
            longer[before] += weight[kind] * (ns - usual[kind])
            weights[before] += weight[kind]
    return {kind: longer[kind] / weights[kind] for kind in KINDS}


def measure(profiler, function, engine):
    import __main__
    __main__.mixed = function.call
    image = profiler.profile("mixed()", engine=engine, warmups=300, repeats=1500)
    if image.outcome != probed.RETURNED:
        raise SystemExit(image.message)
    names = image.code_names()
    overhead_ns = image.overhead_ns
    times = [(names[step.code], step.offset, step.ns(overhead_ns), step.error_ns)
             for step in image.steps]
    return by_statement(function, times), image


def predecessor(function, repeats=60):
    """sys.settrace with a Python callback, the least of all repeats, one constant, scaled."""
    clock = time.perf_counter_ns
    best = {}

    def run(call):
        samples = []

        def trace(frame, event, arg):
            frame.f_trace_opcodes = True
            if event == "opcode":
                samples.append((frame.f_code.co_name, frame.f_lasti // 2, clock()))
            return trace

        sys._getframe().f_trace_opcodes = True
        sys.settrace(trace)
        call()
        sys.settrace(None)
        return samples + [(None, 0, clock())]

    for _ in range(repeats):
        samples = run(function.call)
        for i, (now, after) in enumerate(zip(samples, samples[1:])):
            best[i] = min(best.get(i, (1e9,))[0], after[2] - now[2]), now[0], now[1]
    names = {}
    exec("def sled():\n" + "    a = 1\n" * 100, names)
    overhead = min(statistics.median([b[2] - a[2] for a, b in zip(s, s[1:])])
                   for s in (run(names["sled"]) for _ in range(20)))
    return by_statement(function, [(name, unit, max(0, ns - overhead), 0)
                                   for ns, name, unit in best.values()])


def profiled_ns(profiler, function, count=2):
    """What all statements of each kind take, the mean of @p count profiles."""
    sums = dict.fromkeys(KINDS, 0.0)
    for _ in range(count):
        for kind, ns, _ in measure(profiler, function, probed.PROBE)[0]:
            sums[kind] += ns / count
    return sums


def added_inside(profiler, mixtures, kinds, copies):
    """A slope charges to a kind what it costs everywhere. The probe tells where that is: what one
    more of each of @p kinds adds in statements of that kind, and in all others."""
    own, others = {kind: [] for kind in kinds}, {kind: [] for kind in kinds}
    for mixture in mixtures:
        base = profiled_ns(profiler, mixture.base)
        for kind in kinds:
            longer = profiled_ns(profiler, mixture.longer[kind])
            more = {each: (longer[each] - base[each]) / copies for each in KINDS}
            own[kind].append(more[kind])
            others[kind].append(sum(more.values()) - more[kind])
            print("#", kind, flush=True)
    return own, others


def print_inside(own, others, truth):
    for kind in own:
        parts = [f"{statistics.mean(each):.1f} +- {statistics.stdev(each) / len(each) ** 0.5:.1f}"
                 for each in (own[kind], others[kind])]
        print(f"one {kind} more adds {parts[0]} ns in itself, {parts[1]} in all others")
    if len(own) == len(KINDS):
        summary("what is added in itself", mean_of_lists(own), truth)


def mean_of_lists(table):
    return {kind: statistics.mean(values) for kind, values in table.items()}


def mean_of(tables):
    return {kind: statistics.mean(table[kind] for table in tables) for kind in KINDS}


def scaled_mean(tables, total_ns, copies):
    """Each is scaled to @p total_ns first: one that was made in a slow moment counts no more."""
    # The predecessor's constant may be more than all that it measured.
    factors = [total_ns / ((sum(table.values()) or 1) * copies) for table in tables]
    return mean_of([{kind: ns * factor for kind, ns in table.items()}
                    for table, factor in zip(tables, factors)])


def summary(name, table, truth):
    off = {kind: abs(table[kind] - truth[kind]) for kind in KINDS}
    parts = sorted(100 * off[kind] / truth[kind] for kind in KINDS)
    worse = [kind for kind in KINDS if off[kind] > max(2, truth[kind] / 4)]
    print(f"{name}: median error {statistics.median(parts):.0f} %, largest {parts[-1]:.0f} %, "
          f"beyond 25 % and 2 ns: {', '.join(worse) or 'none'}", flush=True)


def time_all(functions, rounds):
    for _ in range(rounds):
        random.shuffle(functions)
        for function in functions:
            function.time()
        print("#", flush=True)


def profile_all(profiler, mixtures, name, engine):
    """The statements of each, and the uninstrumented time of each."""
    results = []
    for mixture in mixtures:
        results.append(measure(profiler, mixture.base, engine))
        print("#", name, flush=True)
    images = [image for _, image in results]
    sums = [image.sum_ns / image.uninstrumented_ns for image in images]
    print(f"{name}: sum of all times before scaling {min(sums):.3f} to {max(sums):.3f} of the "
          f"uninstrumented time, {images[0].instrumented_ns / images[0].uninstrumented_ns:.1f} "
          "times slower while measured", flush=True)
    return ([statements for statements, _ in results],
            [image.uninstrumented_ns for image in images])


def print_table(columns, truth, truth_errors, stated, after):
    covered = sum(abs(columns["probe"][kind] - truth[kind]) <=
                  (stated[kind] ** 2 + truth_errors[kind] ** 2) ** 0.5 for kind in KINDS)
    print(f"probe: {covered} of {len(KINDS)} truths are within the stated uncertainty")
    print(f"{'ns per statement':24}{'truth':>7}    +-" +
          "".join(f"{name:>13}" for name in columns) + "   probe's +-  the next takes")
    for kind in KINDS:
        print(f"{kind:24}{truth[kind]:7.1f}{truth_errors[kind]:6.1f}" +
              "".join(f"{table[kind]:13.1f}" for table in columns.values()) +
              f"{stated[kind]:13.1f}{after[kind]:+16.1f}", flush=True)


def main():
    profiler = probed.start()
    copies = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 40
    gc.disable()
    mixtures = [Mixture(copies, seed) for seed in range(count)]
    profiled = mixtures[:PROFILED]
    empty = Function([])
    empty.call = nothing
    functions = [f for mixture in mixtures for f in mixture.functions()] + [empty]
    time_all(functions, ROUNDS // 2)
    profiles, whole_ns = {}, {}
    for name, engine in (("probe", probed.PROBE), ("settrace", probed.SETTRACE)):
        profiles[name], whole_ns[name] = profile_all(profiler, profiled, name, engine)
    wanted = os.environ.get("ACCURACY_OTHERS")
    kinds = [kind for kind in KINDS if wanted in (kind, "all")]
    inside = added_inside(profiler, profiled if kinds else [], kinds, copies)
    time_all(functions, ROUNDS - ROUNDS // 2)
    # Last: what sys.settrace was in runs slower for a while, and would be no truth.
    profiles["predecessor"] = [predecessor(mixture.base) for mixture in profiled]
    empty_ns = empty.ns()
    for mixture in mixtures:
        mixture.settle(empty_ns)
    truth, part = truth_of(mixtures, copies)
    truth_errors = standard_errors(mixtures, copies)
    total_ns = statistics.mean(mixture.base_ns for mixture in mixtures)
    columns = {name: scaled_mean([by_kind(each, copies)[0] for each in statements], total_ns,
                                 copies) for name, statements in profiles.items()}
    stated = mean_of([by_kind(each, copies)[1] for each in profiles["probe"]])
    after = aftermath(profiles["probe"])
    print(f"truth: {total_ns:.0f} ns in all, slopes add up to {part:.2f} of it before scaling, "
          f"standard error of one {statistics.median(truth_errors.values()):.1f} ns")
    for name, table in columns.items():
        summary(name, table, truth)
    looped_ns = sum(mixture.base.ns() for mixture in profiled)
    print("uninstrumented, as a part of what a loop around it takes: " +
          ", ".join(f"{name} {sum(times) / looped_ns:.3f}" for name, times in whole_ns.items()))
    charged = {kind: ns + after[kind] for kind, ns in columns["probe"].items()}
    summary("probe, what a statement costs the next one charged to it", charged, truth)
    print_table(columns, truth, truth_errors, stated, after)
    print_inside(*inside, truth)


if __name__ == "__main__":
    main()
