"""How right are the times of opcodes? See accuracy_bench.c.

    accuracy.py AGENT [COPIES [SHUFFLES]]

One function mixes many kinds of statement, COPIES of each in shuffled order. The truth for one
kind is a slope: by how much the function takes longer, with nothing on, for each further copy that
is inserted at a random place; the slopes of all kinds are then scaled to add up to the function's
own time. All variants are timed in turns, in one run. SHUFFLES such functions are made, and what
is compared is the mean over them: where a statement stands decides what the processor's branch
prediction makes of it.
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

VARIANTS = 3    # for each kind: places to insert at
ROUNDS = 60     # of all functions
BATCH = 40      # calls of one function in a row
COUNTED = 8     # of these, at the end, are timed


class Function:
    """One sequence of statements, compiled."""

    def __init__(self, kinds):
        lines = HEAD.splitlines()
        self.owner = {("callee", lines.index("    return n") + 1): "call of a function"}
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
        return ordered[len(ordered) // 30] - empty_ns


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
        """Of each kind, and the sum of the slopes as a part of the function's own time."""
        base_ns = self.base.ns(empty_ns)
        slopes = {kind: statistics.mean(f.ns(empty_ns) - base_ns for f in group) / self.copies
                  for kind, group in self.longer.items()}
        total = sum(slopes.values()) * self.copies
        return {kind: slope * base_ns / total for kind, slope in slopes.items()}, total / base_ns


def lines_of(code):
    """The line of each code unit."""
    if hasattr(code, "co_positions"):
        return [position[0] for position in code.co_positions()]
    lines = {}
    for start, end, line in code.co_lines():
        lines.update((unit, line) for unit in range(start // 2, end // 2))
    return [lines[unit] for unit in sorted(lines)]


def by_kind(function, times, copies):
    """From (function name, unit, ns) to the time of one statement of each kind."""
    lines = {part.__name__: lines_of(part.__code__) for part in function.parts}
    sums = dict.fromkeys(KINDS, 0.0)
    # Instructions without a line, as at the end of an exception handler, go with those before.
    kind = None
    for name, unit, ns in times:
        line = lines[name][unit] if name in lines else None
        if line:
            kind = function.owner.get((name, line))
        if kind:
            sums[kind] += ns
    return {kind: ns / copies for kind, ns in sums.items()}


def measure(profiler, function, copies, engine):
    import __main__
    __main__.mixed = function.call
    image = profiler.profile("mixed()", engine=engine, warmups=300, repeats=1500)
    if image.outcome != probed.RETURNED:
        raise SystemExit(image.message)
    names = image.code_names()
    overhead_ns = image.overhead_ns
    times = [(names[step.code], step.offset, step.ns(overhead_ns)) for step in image.steps]
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
    return by_kind(function, [(name, unit, max(0, ns - overhead))
                              for ns, name, unit in best.values()], copies)


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


def main():
    profiler = probed.start()
    copies = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    shuffles = int(sys.argv[3]) if len(sys.argv) > 3 else 4
    gc.disable()
    mixtures = [Mixture(copies, seed) for seed in range(shuffles)]
    empty = Function([])
    empty.call = nothing
    functions = [f for mixture in mixtures for f in mixture.functions()] + [empty]
    for round_ in range(ROUNDS):
        random.shuffle(functions)
        for function in functions:
            function.time()
        if round_ % 10 == 9:
            print("#", round_, flush=True)
    empty_ns = empty.ns()
    truths, slopes = zip(*(mixture.truth(empty_ns) for mixture in mixtures))
    truth = mean_of(truths)
    total_ns = statistics.mean(mixture.base.ns(empty_ns) for mixture in mixtures)
    columns = {}
    for name, engine in (("probe", probed.PROBE), ("settrace", probed.SETTRACE)):
        tables, images = [], []
        for mixture in mixtures:
            table, image = measure(profiler, mixture.base, copies, engine)
            tables.append(table)
            images.append(image)
            print("#", name, flush=True)
        columns[name] = scale(mean_of(tables), total_ns, copies)
        sums = [image.sum_ns / image.uninstrumented_ns for image in images]
        print(f"{name}: sum of all times before scaling {min(sums):.3f} to {max(sums):.3f} of the "
              f"uninstrumented time, {images[0].instrumented_ns / images[0].uninstrumented_ns:.1f} "
              "times slower while measured", flush=True)
    columns["predecessor"] = scale(mean_of([predecessor(m.base, copies) for m in mixtures]),
                                   total_ns, copies)
    print(f"truth: {total_ns:.0f} ns in all, slopes add up to {min(slopes):.2f} to "
          f"{max(slopes):.2f} of it before scaling")
    for name, table in columns.items():
        summary(name, table, truth)
    print(f"{'ns per statement':22}{'truth':>8}" + "".join(f"{name:>13}" for name in columns))
    for kind in KINDS:
        print(f"{kind:22}{truth[kind]:8.1f}" +
              "".join(f"{table[kind]:13.1f}" for table in columns.values()), flush=True)


if __name__ == "__main__":
    main()
