"""Functions to be walked; as a program it waits then. Arguments: the folder of the extension, and a
program of which the globals are taken in too."""

import ctypes
import os
import runpy
import signal
import sys
import threading
import time

sys.path.insert(0, sys.argv[1])
import walked_extension  # noqa: E402


def divide(a, b):
    try:
        return a / b
    except ZeroDivisionError:
        return -1


def in_order():
    return sorted([3, 1, 2], key=lambda x: -x)


def add(a, b):
    c = a + b
    return c


def extension():
    return walked_extension.exact()


def callback():
    return walked_extension.call_twice(lambda: 7)


library = ctypes.CDLL(None)


@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
def in_any_order(a, b):
    return 0


def foreign():
    library.qsort((ctypes.c_int * 2)(2, 1), 2, ctypes.sizeof(ctypes.c_int), in_any_order)
    return library.getppid()


def loop(n):
    total = 0
    for i in range(n):
        total += i * 2
    return total


class Point:
    def __init__(self, x):
        self.x = x

    @property
    def double(self):
        return self.x * 2


def points():
    return [Point(i).double for i in range(3)]


def generate(n):
    for i in range(n):
        yield i


def consume():
    total = 0
    for i in generate(3):
        total += i
    return total


def closure():
    x = 1

    def inner():
        nonlocal x
        x += 1
        return x

    return inner() + inner()


async def coroutine():
    return 5


def drive():
    try:
        coroutine().send(None)
    except StopIteration as stop:
        return stop.value


def text(x):
    return f"{x!r}-{x:>5}".upper().split("-")


def unpack(*args, **kwargs):
    a, *b = args
    return {**kwargs, "a": a, "b": b}


# More than 256 names and constants: EXTENDED_ARG.
exec("def many(x):\n    if x:\n" + "".join("        y%d = %d.5\n" % (i, i) for i in range(300))
     + "        return y299\n")


def forks():
    pid = os.fork()
    if not pid:
        os._exit(3)
    return os.waitpid(pid, 0)[1]


def threads():
    out = []
    thread = threading.Thread(target=out.append, args=(1,))
    thread.start()
    thread.join()
    return out


def signals():
    got = []
    before = signal.signal(signal.SIGUSR2, lambda *args: got.append(1))
    os.kill(os.getpid(), signal.SIGUSR2)
    signal.signal(signal.SIGUSR2, before)
    return got


def system_calls():
    return os.getppid()


calls = 0


def changes():
    """Takes another path each time."""
    global calls
    calls += 1
    total = 0
    for i in range(calls % 97):
        total += i
    return total


if __name__ == "__main__":
    if len(sys.argv) > 2:
        globals().update(runpy.run_path(sys.argv[2]))
    print("ready", flush=True)
    while True:
        time.sleep(60)
