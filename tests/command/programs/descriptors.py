"""Has one of all that the kernel tells of events by; looks, when SIGUSR1 comes, whether it still has
what it had, and ends."""

import ctypes
import os
import signal
import struct
import sys
import tempfile
import time

NONBLOCK = os.O_NONBLOCK
CLOCK_MONOTONIC = 1
IN_CREATE = 0x100

libc = ctypes.CDLL(None)


class Timer(ctypes.Structure):
    _fields_ = [("interval", ctypes.c_long * 2), ("value", ctypes.c_long * 2)]


def set_timer(seconds):
    libc.timerfd_settime(timer, 0, ctypes.byref(Timer((seconds, 0), (0, bool(seconds)))), None)


def set_signals(fd, *numbers):
    mask = (ctypes.c_ulong * 16)(sum(1 << (number - 1) for number in numbers))
    return libc.signalfd(fd, mask, NONBLOCK)


def watch(path):
    return libc.inotify_add_watch(changes, path.encode(), IN_CREATE)


def number(fd):
    return struct.unpack("Q", os.read(fd, 8))[0]


def told(fd):
    with open(f"/proc/self/fdinfo/{fd}") as lines:
        return lines.read()


def is_empty(fd):
    try:
        return not os.read(fd, 100)
    except BlockingIOError:
        return True


def use():
    """See what the program has, and change all of it."""
    assert number(counter) == 3 and is_empty(again)
    assert number(timer) == 1
    assert "sigmask:\t0000000000000800" in told(signals)
    assert is_empty(changes)
    os.write(again, struct.pack("Q", 7))
    signal.raise_signal(signal.SIGHUP)
    set_timer(0)
    set_signals(signals, signal.SIGHUP)
    libc.inotify_rm_watch(changes, watched)
    watch("/usr")


def enough(*ignored):
    assert number(again) == 3 and is_empty(counter)
    assert number(timer) == 1 and "it_interval: (1000, 0)" in told(timer)
    assert "sigmask:\t0000000000000800" in told(signals)
    assert os.read(woken, 100) == bytes([signal.SIGUSR1])
    assert told(changes).count("inotify wd:") == 1 and not is_empty(changes)
    print("enough", 10, flush=True)
    sys.exit()


signal.signal(signal.SIGUSR1, enough)
signal.signal(signal.SIGHUP, lambda *ignored: None)
woken, end = os.pipe()
os.set_blocking(end, False)
signal.set_wakeup_fd(end)
counter = libc.eventfd(3, NONBLOCK)
again = os.dup(counter)
timer = libc.timerfd_create(CLOCK_MONOTONIC, NONBLOCK)
set_timer(1000)
signals = set_signals(-1, signal.SIGUSR2)
changes = libc.inotify_init1(NONBLOCK)
with tempfile.TemporaryDirectory() as directory:
    watched = watch(directory)
    open(os.path.join(directory, "made"), "w").close()
    time.sleep(0.01)
    print("ready", flush=True)
    while True:
        time.sleep(60)
