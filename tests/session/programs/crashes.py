"""A call that crashes, a stop in C, and then work for longer than a deadline."""
import ctypes
import os
import time


def crash():
    return ctypes.string_at(16)


def work():
    total = 0
    for i in range(1000):
        total += i
    return total


os.getppid()
until = time.monotonic() + 2
while time.monotonic() < until:
    done = work()
print("went on", done)
