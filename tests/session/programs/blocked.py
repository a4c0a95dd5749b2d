"""Blocks in a system call (sleep, read, or poll by name) and says whether it came out right."""
import os
import select
import sys
import time


def short(n=2):
    return n * n


def written_later():
    """The reading end of a pipe into which a child writes after three seconds."""
    reader, writer = os.pipe()
    if not os.fork():
        time.sleep(3)
        os.write(writer, b"late")
        os._exit(0)
    return reader


def blocked_in_sleep(_):
    start = time.monotonic()
    time.sleep(3)
    return time.monotonic() - start >= 3


def blocked_in_read(reader):
    return os.read(reader, 10) == b"late"


def blocked_in_poll(reader):
    poll = select.poll()
    poll.register(reader, select.POLLIN)
    return len(poll.poll(20000)) == 1


reader = written_later()
print("ready", flush=True)
print("right" if globals()["blocked_in_" + sys.argv[1]](reader) else "wrong", flush=True)
