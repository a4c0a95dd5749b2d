"""Cost per opcode of being traced, several ways in one run, interleaved: a line of numbers.

    engine_bench.py DRIVER AGENT    -> plain, empty callback, noting callback, settrace engine

Each is the time of one opcode of the same function, in nanoseconds, the minimum over rounds: not
traced, under a Python trace function that does nothing, under one that notes where and when, and
under the agent's C trace function, which does that too. Python 3.12 needs the calling frame's
f_trace_opcodes, 3.13 a frame's f_trace before it.
"""

import importlib.util
import struct
import sys
import time

ROUNDS = 15
LOOPS = 500


def loop(n):
    total = 0
    for i in range(n):
        total += i & 3
        total -= 1
    return total


def empty(frame, event, arg):
    if event == "call":
        frame.f_trace = empty
        frame.f_trace_opcodes = True
    return empty


notes = []


def noting(frame, event, arg):
    if event == "call":
        frame.f_trace = noting
        frame.f_trace_opcodes = True
    elif event == "opcode":
        notes.append((frame.f_code, frame.f_lasti, time.perf_counter_ns()))
    return noting


def time_under(function):
    del notes[:]
    if function:
        sys._getframe().f_trace_opcodes = True
        sys.settrace(function)
    start = time.perf_counter_ns()
    loop(LOOPS)
    end = time.perf_counter_ns()
    sys.settrace(None)
    return end - start


def time_engine(driver, agent):
    """The header of a profile by the agent's engine: instrumented_ns, and how many opcodes."""
    request = driver.make_request(f"loop({LOOPS})", {"profile": 1, "warmups": 5, "repeats": 5})
    address = driver.start(agent, request)
    shared = driver.Shared.from_address(address)
    while shared.state != driver.DONE:
        time.sleep(0.001)
    image = driver.image_of(address)
    agent.bytesight_finish(address)
    at, _, used = struct.unpack_from("<QQQ", image, driver.SECTIONS_AT)
    kinds = (image[event] & 15 for event in range(at, at + used, driver.EVENT_BYTES))
    opcodes = sum(kind == driver.OPCODE for kind in kinds)
    return struct.unpack_from("<d", image, driver.INSTRUMENTED_AT)[0], opcodes


def main():
    spec = importlib.util.spec_from_file_location("driver", sys.argv[1])
    driver = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(driver)
    agent = driver.load(sys.argv[2])
    best = [float("inf")] * 4
    for _ in range(ROUNDS):
        times = [time_under(function) for function in (None, empty, noting)]
        engine, opcodes = time_engine(driver, agent)
        best = list(map(min, best, times + [engine]))
    if len(notes) != opcodes:
        sys.exit(f"the callback saw {len(notes)} opcodes, the engine {opcodes}")
    print(*(value / opcodes for value in best))


if __name__ == "__main__":
    main()
