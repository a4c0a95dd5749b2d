"""Has the library that its argument names compute in a thread, then waits until SIGUSR1 comes."""

import ctypes
import signal
import sys
import time

pool = ctypes.CDLL(sys.argv[1])


def square(n):
    return pool.square(n)


def stubborn(n):
    return pool.square_in_thread(n)


def enough(number, frame):
    print("enough", square(3) + 1, flush=True)
    sys.exit()


signal.signal(signal.SIGUSR1, enough)
square(2)
print("ready", flush=True)
while True:
    time.sleep(60)
