"""Compares what this process can see of itself before and after a stop in C."""
import gc
import os
import signal
import sys
import threading

KEPT = ("SigPnd", "SigBlk", "SigIgn", "SigCgt", "ShdPnd", "Threads")


def status_lines():
    with open("/proc/self/status") as status:
        return [line for line in status if line.startswith(KEPT)]


def children():
    with open("/proc/self/task/%d/children" % os.getpid()) as listed:
        return listed.read()


def reaped():
    try:
        return os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None


def on_alarm(number, frame):
    pass


def observe():
    return {
        "descriptors": sorted(
            (name, os.readlink("/proc/self/fd/" + name))
            for name in os.listdir("/proc/self/fd")
            if os.path.exists("/proc/self/fd/" + name)
        ),
        "status": status_lines(),
        "handlers": [signal.getsignal(n) for n in (signal.SIGALRM, signal.SIGCHLD, signal.SIGTRAP)],
        "modules": sorted(sys.modules),
        "trace": (sys.gettrace(), sys.getprofile()),
        "collector": gc.isenabled(),
        "threads": threading.active_count(),
        "children": children(),
        "reaped": reaped(),
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "recursion": sys.getrecursionlimit(),
        "calls": calls,
    }


calls = 0


def work(n=3):
    global calls
    calls += 1
    return sum(range(n))


def spin():
    while True:
        pass


signal.signal(signal.SIGALRM, on_alarm)
before = observe()
os.getppid()
after = observe()
for name in before:
    if before[name] != after[name]:
        print("changed:", name, before[name], after[name])
print("compared", work(4))
