"""What programs of tests/probe/probed.h begin with: profiles of calls in this very process.

The image of a run is read here as format/image.h describes it; nothing is shared with the reader
under test.
"""

import os
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "agent"))
import driver  # noqa: E402

PROBE, SETTRACE = 1, 2
RETURNED, RAISED = 1, 2
OPCODE = 3
STEP_UNIT_NS = 0.0625
FLAG_PER_INSTRUCTION, FLAG_DIVERGED, FLAG_PATTERNED = 8, 16, 1 << 13
EVENTS, STEPS, CODES, HEAP, CALLS, SYMBOLS, COUNTS = range(7)


def arithmetic(n=20):
    """What most is profiled on."""
    s = 0
    for i in range(n):
        s = (s + i * 3) & 1023
        if s > 500:
            s -= i & 7
    return s


class Step:
    def __init__(self, first, offset, minimum, median, mean, last):
        self.opcode, self.code, self.offset = first & 255, first >> 8, offset
        self.min_ns, self.median_ns, self.mean_ns = minimum, median, mean
        cost = last & 0x3FFF
        self.cost_ns = (cost - 0x4000 if cost & 0x2000 else cost) * STEP_UNIT_NS
        self.error_ns = ((last >> 14 & 31) << (last >> 19 & 31)) * STEP_UNIT_NS
        self.other_opcode = last >> 24

    def ns(self, overhead_ns=0.0):
        """The time, corrected and not scaled."""
        return max(0.0, self.min_ns - (self.cost_ns or overhead_ns))


class Image:
    """A finished run."""

    def __init__(self, data):
        self.data = data
        (_, _, _, self.flags, self.python, self.engine, self.clock, self.clock_hz, self.outcome,
         self.outcome_number, outcome_text, _, engine_text, _, self.diverged_event,
         self.diverged_step, _, self.events_seen, self.warmups, self.repeats, _, _,
         self.uninstrumented_ns, self.uninstrumented_median_ns, self.instrumented_ns,
         self.elapsed_ns, self.overhead_ns, self.overhead_spread_ns,
         self.clock_step_ns, self.entry_ns) = struct.unpack_from("<Q6IQIi6IQQ4I8d", data)
        self.engine_text = self.string(engine_text)
        self.message = self.string(outcome_text)
        self.steps = [Step(*fields) for fields in self.records(STEPS, "<IIfffI")]
        self.counts = [count for count, in self.records(COUNTS, "<d")] or [1] * len(self.steps)
        self.events = [(event & 15, event >> 4, offset)
                       for event, offset, _ in self.records(EVENTS, "<III")]
        self.opcode_events = self.opcode_events_before(len(self.events))

    def section(self, kind):
        at, _, used = struct.unpack_from("<QQQ", self.data, driver.SECTIONS_AT + 24 * kind)
        return self.data[at:at + used]

    def records(self, kind, layout):
        return struct.iter_unpack(layout, self.section(kind))

    def string(self, offset):
        heap = self.section(HEAP)
        if offset + 4 > len(heap):
            return ""
        length, = struct.unpack_from("<I", heap, offset)
        return heap[offset + 4:offset + 4 + length].decode("utf-8", "replace")

    def opcode_events_before(self, end):
        """As (code, offset in units)."""
        return [(code, offset) for kind, code, offset in self.events[:end] if kind == OPCODE]

    def code_names(self):
        return [self.string(offset) for offset, in self.records(CODES, "<I")]

    @property
    def executions(self):
        return sum(self.counts)

    @property
    def sum_ns(self):
        return sum(step.ns(self.overhead_ns) * count
                   for step, count in zip(self.steps, self.counts))


class Profiler:
    def __init__(self, agent_path, candidates):
        self.agent = driver.load(agent_path)
        self.candidates = candidates

    def start(self, call, **options):
        """Begin a run; returns what the agent did: an address, or a negative errno."""
        settings = {"profile": 1, "engine": PROBE, "warmups": 100, "repeats": 100,
                    "max_events": 1000000, "timeout": 60, "budget": 50}
        settings.update(options)
        request = driver.make_request(call, settings)
        request.candidates = len(self.candidates)
        for i, (address, entries, distinct) in enumerate(self.candidates):
            request.candidate[2 * i] = address
            request.candidate[2 * i + 1] = entries | distinct << 32
        return driver.start(self.agent, request)

    def finish(self, address):
        driver.wait(driver.Shared.from_address(address), {}, time.monotonic())
        image = driver.image_of(address)
        self.agent.bytesight_finish(address)
        return Image(image)

    def profile(self, call, **options):
        address = self.start(call, **options)
        if address <= 0:
            raise OSError(-address, "the agent did not start")
        return self.finish(address)


def start():
    """Say hello, and take the agent's path and the candidates."""
    print("ready", flush=True)
    line = sys.stdin.readline().split()
    candidates = [tuple(map(int, word.split(":"))) for word in line]
    return Profiler(sys.argv[1], candidates)
