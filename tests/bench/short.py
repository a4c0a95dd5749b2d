"""Are the times of short functions right? See short_bench.c.

    short.py AGENT

A short call is mostly its way into the interpreter and out of it, which must not be in the times of
what is between. For each kind of statement there are functions of 1 to 32 copies. Truth for those
after the first is what they add to the uninstrumented time of a function with one; what they are
shown to take is printed as a part of that. All functions of a kind are timed in turns.
"""

import gc
import os
import statistics
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "probe", "programs"))
import probed  # noqa: E402
from accuracy import HEAD, Timed, lines_of, time_all  # noqa: E402

KINDS = {
    "addition": "v = i + j",
    "subscript": "v = l[3]",
    "attribute": "v = o.x",
    "function": "v = callee(i)",
    "method": "v = d.get('k')",
    "tuple": "v = (i, j)",
}
COPIES = (1, 2, 4, 8, 16, 32)
ROUNDS = 60   # of all functions of a kind, half of them before the profiles
REPEATS = 3   # profiles of a function; the median counts


class Function(Timed):
    """So many copies of one statement, compiled."""

    teaching, counted = 100, 300

    def __init__(self, statement, copies):
        lines = HEAD.splitlines()
        self.copies = range(len(lines) + 2, len(lines) + copies + 1)  # lines of all but the first
        names = {}
        source = "\n".join(lines + ["    " + statement] * copies + ["    return i"])
        exec(compile(source, "short.py", "exec"), names)
        super().__init__(names["mixed"])

    def ns(self):
        """What one call takes in a quiet moment, and the loop around it."""
        return sorted(self.times)[len(self.times) // 8]

    def shown_ns(self, profiler):
        return statistics.median(self.profile(profiler) for _ in range(REPEATS))

    def profile(self, profiler):
        """What all copies but the first are shown to take, with what they call."""
        import __main__
        __main__.short = self.call
        image = profiler.profile("short()", engine=probed.PROBE, warmups=300, repeats=1500)
        if image.outcome != probed.RETURNED:
            raise SystemExit(image.message)
        scale = image.uninstrumented_ns / image.sum_ns
        lines, names = lines_of(self.call.__code__), image.code_names()
        line, sum_ns = None, 0.0
        for step in image.steps:
            if names[step.code] == "mixed":
                line = lines[step.offset] or line
            if line in self.copies:
                sum_ns += step.ns(image.overhead_ns) * scale
        return sum_ns


def main():
    profiler = probed.start()
    gc.disable()
    print(f"{'copies':14}" + "".join(f"{copies:>8}" for copies in COPIES[1:]))
    for kind, statement in KINDS.items():
        functions = {copies: Function(statement, copies) for copies in COPIES}
        time_all(list(functions.values()), ROUNDS // 2)
        shown = {copies: functions[copies].shown_ns(profiler) for copies in COPIES[1:]}
        time_all(list(functions.values()), ROUNDS - ROUNDS // 2)
        parts = [ns / (functions[copies].ns() - functions[1].ns()) for copies, ns in shown.items()]
        print(f"{kind:14}" + "".join(f"{part:8.2f}" for part in parts), flush=True)


if __name__ == "__main__":
    main()
