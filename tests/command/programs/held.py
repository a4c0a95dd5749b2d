"""Holds what does something when it goes, in a thread and in garbage, until SIGUSR1 comes."""

import gc
import os
import signal
import sys
import tempfile
import threading
import time


class Leaver:
    """Writes its name where the program looks, once nobody holds it any more."""

    def __init__(self, name):
        self.name = name

    def __del__(self):
        os.write(log.fileno(), self.name)


class Cycle(Leaver):
    def __init__(self, name):
        super().__init__(name)
        self.cycle = self


def left():
    return os.pread(log.fileno(), 100, 0)


def thread():
    local.leaver = Leaver(b"thread")
    started.set()
    while True:
        time.sleep(60)


def add_up(n):
    return sum(range(n))


def collect():
    cycle = Cycle(b"")
    del cycle
    assert gc.collect()


def enough(number, frame):
    print("enough", 10 if not left() else left(), flush=True)
    os._exit(0)


log = tempfile.TemporaryFile(buffering=0)
local = threading.local()
started = threading.Event()
signal.signal(signal.SIGUSR1, enough)
threading.Thread(target=thread, daemon=True).start()
started.wait()
gc.collect()
gc.disable()
if sys.argv[1] == "garbage":
    Cycle(b"garbage")
print("ready", flush=True)
while True:
    time.sleep(60)
