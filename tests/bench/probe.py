"""What an engine costs, for probe_bench.c: one line for this Python.

    probe.py AGENT READING_NS

A loop of arithmetic is profiled with both engines, and run under sys.settrace with a Python
function for scale.
"""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "probe", "programs"))
import probed  # noqa: E402
from probed import arithmetic  # noqa: E402

TURNS = 200
TRIES = 3  # the least of which counts: other things run on the machine


def callback_ns():
    """One run under a trace function in Python, and how many opcodes it saw."""
    seen = []

    def trace(frame, event, arg):
        frame.f_trace_opcodes = True
        if event == "opcode":
            seen.append(1)
        return trace

    sys._getframe().f_trace_opcodes = True
    start = time.perf_counter_ns()
    sys.settrace(trace)
    arithmetic(TURNS)
    sys.settrace(None)
    return time.perf_counter_ns() - start, len(seen)


def main():
    profiler = probed.start()
    measured = []
    register = "-"
    for engine in (probed.PROBE, probed.SETTRACE):
        images = [profiler.profile(f"arithmetic({TURNS})", engine=engine, warmups=300, repeats=1500)
                  for _ in range(TRIES)]
        print("#", flush=True)
        image = min(images, key=lambda image: image.instrumented_ns)
        bare_ns = min(image.uninstrumented_ns for image in images)
        if image.engine != engine or image.outcome != probed.RETURNED:
            print(f"{sys.version.split()[0]:9} {image.message}", flush=True)
            return
        if engine == probed.PROBE:
            register = image.engine_text.split()[1]
        measured.append((bare_ns, image.instrumented_ns, image.executions))
    bare_ns = min(bare for bare, _, _ in measured)
    executions = measured[0][2]
    own_ns = bare_ns / executions
    columns = [f"{(ns - bare_ns) / count:7.1f} {ns / bare_ns:6.1f}x" for _, ns, count in measured]
    ns, count = min(callback_ns() for _ in range(30))
    columns.append(f"{(ns - bare_ns) / count:7.1f} {ns / bare_ns:6.1f}x")
    print(f"{sys.version.split()[0]:9} {register:9}{own_ns:9.1f}"
          + f"{max(1, float(sys.argv[2]) / own_ns):7.1f}x   "
          + "    ".join(columns), flush=True)


if __name__ == "__main__":
    main()
