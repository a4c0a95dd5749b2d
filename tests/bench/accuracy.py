"""How right are the times of opcodes? See accuracy_bench.c.

    accuracy.py AGENT [COPIES [SHUFFLES]]

One function mixes many kinds of statement, COPIES of each in shuffled order. The truth for one
kind is a slope: by how much the function takes longer, with nothing on, for each further copy that
is inserted at a random place; the slopes of all kinds are then scaled to add up to the function's
own time. All variants are timed in turns, in one run, half of it before the profiles and half after
them. SHUFFLES such functions are made, and what is compared is the mean over them: where a
statement stands decides what the processor's branch prediction makes of it. So truth has an error,
which is printed: from the scatter of its slopes.

ACCURACY_KINDS=held-out takes another set of statements, by which nothing was chosen.
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

VARIANTS = 3    # for each kind: places to insert at
ROUNDS = 160    # of all functions; the profiles come in the middle
BATCH = 40      # calls of one function in a row
COUNTED = 8     # of these, at the end, are timed


class Function:
    """One sequence of statements, compiled."""

    def __init__(self, kinds):
        lines = HEAD.splitlines()
        caller = next(kind for kind in KINDS if "callee" in KINDS[kind][0])
        self.owner = {("callee", lines.index("    return n") + 1): caller}
        fails = lines.index("def fails():") + 1
        self.owner.update({("fails", fails + i): "exception" for i in range(5)})
        for kind in kinds:
            for text in KINDS[kind]:
                lines.append("    " + text)
                self.owner["mixed", len(lines)] = kind
        lines.append("    return i")
        names = {}
        exec(compile("\n".join(lines), "mixed.py", "exec"), names)
        self.call = names["mixed"]
        self.parts = [names[name] for name in ("mixed", "callee", "fails")]
        self.times = []

    def time(self):
        call, clock = self.call, time.perf_counter_ns
        for _ in range(BATCH - COUNTED):
            call()
        for _ in range(COUNTED):
            start = clock()
            call()
            self.times.append(clock() - start)

    def ns(self, empty_ns=0.0):
        """What one call takes in a quiet moment."""
        ordered = sorted(self.times)
        return ordered[len(ordered) // 100] - empty_ns


def nothing():
    pass


def insert(kinds, kind, count, random_):
    longer = list(kinds)
    for _ in range(count):
        longer.insert(random_.randrange(len(longer) + 1), kind)
    return longer


class Mixture:
    def __init__(self, copies, seed):
        random_ = random.Random(seed)
        kinds = [kind for kind in KINDS for _ in range(copies)]
        random_.shuffle(kinds)
        self.copies = copies
        self.base = Function(kinds)
        self.longer = {kind: [Function(insert(kinds, kind, copies, random_))
                              for _ in range(VARIANTS)] for kind in KINDS}

    def functions(self):
        return [self.base] * 4 + [f for group in self.longer.values() for f in group]

    def truth(self, empty_ns):
        """Slopes of each kind, and their sum as a part of the function's own time."""
        base_ns = self.base.ns(empty_ns)
        slopes = {kind: [(f.ns(empty_ns) - base_ns) / self.copies for f in group]
                  for kind, group in self.longer.items()}
        part = sum(map(statistics.mean, slopes.values())) * self.copies / base_ns
        return {kind: [slope / part for slope in group] for kind, group in slopes.items()}, part


def standard_error(values):
    return statistics.stdev(values) / len(values) ** 0.5


def lines_of(code):
    """The line of each code unit."""
    if hasattr(code, "co_positions"):
        return [position[0] for position in code.co_positions()]
    lines = {}
    for start, end, line in code.co_lines():
        lines.update((unit, line) for unit in range(start // 2, end // 2))
    return [lines[unit] for unit in sorted(lines)]


def by_kind(function, times, copies):
    """From (function name, unit, ns, error) to time and error of one statement of each kind."""
    lines = {part.__name__: lines_of(part.__code__) for part in function.parts}
    sums, squares = dict.fromkeys(KINDS, 0.0), dict.fromkeys(KINDS, 0.0)
    # Instructions without a line, as at the end of an exception handler, go with those before.
    kind = None
    for name, unit, ns, error_ns in times:
        line = lines[name][unit] if name in lines else None
        if line:
            kind = function.owner.get((name, line))
        if kind:
            sums[kind] += ns
            squares[kind] += error_ns ** 2
    return ({kind: ns / copies for kind, ns in sums.items()},
            {kind: (square / copies) ** 0.5 for kind, square in squares.items()})


def measure(profiler, function, copies, engine):
    import __main__
    __main__.mixed = function.call
    image = profiler.profile("mixed()", engine=engine, warmups=300, repeats=1500)
    if image.outcome != probed.RETURNED:
        raise SystemExit(image.message)
    names = image.code_names()
    overhead_ns = image.overhead_ns
    times = [(names[step.code], step.offset, step.ns(overhead_ns), step.error_ns)
             for step in image.steps]
    return by_kind(function, times, copies), image


def predecessor(function, copies, repeats=60):
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
    exec("def sled():\n" + "    pass\n" * 200, names)
    exec("def sled():\n" + "    a = 1\n" * 100, names)
    overhead = min(statistics.median([b[2] - a[2] for a, b in zip(s, s[1:])])
                   for s in (run(names["sled"]) for _ in range(20)))
    return by_kind(function, [(name, unit, max(0, ns - overhead), 0)
                              for ns, name, unit in best.values()], copies)[0]


def mean_of(tables):
    return {kind: statistics.mean(table[kind] for table in tables) for kind in KINDS}


def scale(table, total_ns, copies):
    factor = total_ns / (sum(table.values()) * copies)
    return {kind: ns * factor for kind, ns in table.items()}


def errors(table, truth):
    return {kind: abs(table[kind] - truth[kind]) for kind in KINDS}


def summary(name, table, truth):
    off = errors(table, truth)
    parts = sorted(100 * off[kind] / truth[kind] for kind in KINDS)
    worse = [kind for kind in KINDS if off[kind] > max(2, truth[kind] / 4)]
    print(f"{name}: median error {statistics.median(parts):.0f} %, largest {parts[-1]:.0f} %, "
          f"beyond 25 % and 2 ns: {', '.join(worse) or 'none'}", flush=True)


def time_all(functions, rounds):
    for round_ in range(rounds):
        random.shuffle(functions)
        for function in functions:
            function.time()
        if round_ % 10 == 9:
            print("#", round_, flush=True)


def main():
    profiler = probed.start()
    copies = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    shuffles = int(sys.argv[3]) if len(sys.argv) > 3 else 4
    gc.disable()
    before, after = ROUNDS // 2, ROUNDS - ROUNDS // 2
    mixtures = [Mixture(copies, seed) for seed in range(shuffles)]
    empty = Function([])
    empty.call = nothing
    functions = [f for mixture in mixtures for f in mixture.functions()] + [empty]
    time_all(functions, before)
    columns, covers = {}, {}
    for name, engine in (("probe", probed.PROBE), ("settrace", probed.SETTRACE)):
        results = []
        for mixture in mixtures:
            results.append(measure(profiler, mixture.base, copies, engine))
            print("#", name, flush=True)
        columns[name] = mean_of([table for (table, _), _ in results])
        covers[name] = mean_of([error for (_, error), _ in results])
        images = [image for _, image in results]
        sums = [image.sum_ns / image.uninstrumented_ns for image in images]
        print(f"{name}: sum of all times before scaling {min(sums):.3f} to {max(sums):.3f} of the "
              f"uninstrumented time, {images[0].instrumented_ns / images[0].uninstrumented_ns:.1f} "
              "times slower while measured", flush=True)
    time_all(functions, after)
    # Last: what sys.settrace was in runs slower for a while, and would be no truth.
    columns["predecessor"] = mean_of([predecessor(m.base, copies) for m in mixtures])
    empty_ns = empty.ns()
    slopes, parts = zip(*(mixture.truth(empty_ns) for mixture in mixtures))
    slopes = {kind: [slope for each in slopes for slope in each[kind]] for kind in KINDS}
    truth = {kind: statistics.mean(slopes[kind]) for kind in KINDS}
    total_ns = statistics.mean(mixture.base.ns(empty_ns) for mixture in mixtures)
    columns = {name: scale(table, total_ns, copies) for name, table in columns.items()}
    print(f"truth: {total_ns:.0f} ns in all, slopes add up to {min(parts):.2f} to {max(parts):.2f} "
          "of it before scaling, standard error of one "
          f"{statistics.median(map(standard_error, slopes.values())):.1f} ns")
    for name, table in columns.items():
        summary(name, table, truth)
    covered = sum(abs(columns["probe"][kind] - truth[kind]) <=
                  (covers["probe"][kind] ** 2 + standard_error(slopes[kind]) ** 2) ** 0.5
                  for kind in KINDS)
    print(f"probe: {covered} of {len(KINDS)} truths are within the stated uncertainty")
    print(f"{'ns per statement':24}{'truth':>7}    +-" +
          "".join(f"{name:>13}" for name in columns) + "   probe's +-")
    for kind in KINDS:
        print(f"{kind:24}{truth[kind]:7.1f}{standard_error(slopes[kind]):6.1f}" +
              "".join(f"{table[kind]:13.1f}" for table in columns.values()) +
              f"{covers['probe'][kind]:13.1f}", flush=True)


if __name__ == "__main__":
    main()
