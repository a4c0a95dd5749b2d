"""Blocks in a system call (sleep, read, or poll by name) and says whether it came out right."""
import os
import select
import sys
import time


def short(n=2):
    return n * n


def blocked_in_sleep():
    start = time.monotonic()
    time.sleep(3)
    return time.monotonic() - start >= 3


def written_later():
    """The reading end of a pipe into which a child writes after three seconds."""
    reader, writer = os.pipe()
    if not os.fork():
        time.sleep(3)
        os.write(writer, b"late")
        os._exit(0)
    return reader


def blocked_in_read():
    return os.read(written_later(), 10) == b"late"


def blocked_in_poll():
    poll = select.poll()
    poll.register(written_later(), select.POLLIN)
    return len(poll.poll(20000)) == 1


print("ready", flush=True)
print("right" if globals()["blocked_in_" + sys.argv[1]]() else "wrong", flush=True)
