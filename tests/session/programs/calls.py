"""Calls that go wrong, each in its own way; then a stop in C."""
import ctypes
import os
import signal
import time

not_callable = 3


def plain():
    return 1


def raises():
    raise ValueError("on purpose")


def sleeps():
    time.sleep(600)


def spins():
    while True:
        pass


def exits():
    raise SystemExit(3)


def leaves():
    os._exit(7)


def dies():
    os.kill(os.getpid(), signal.SIGKILL)


def crashes():
    os.kill(os.getpid(), signal.SIGSEGV)


def faults():
    ctypes.string_at(1)


def recurses(n=0):
    return recurses(n + 1)


def many():
    for i in range(100000):
        pass


def prints():
    print("printed by the call", flush=True)


def forks():
    pid = os.fork()
    if not pid:
        os._exit(3)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


class Rude:
    def __repr__(self):
        raise RuntimeError("no repr")


def rude():
    return Rude()


class Huge:
    def __repr__(self):
        return "x" * (100 << 20)


def huge():
    return Huge()


os.getppid()
print("went on", plain())
