"""Counts the SIGUSR1 that it gets."""
import os
import signal

got = []
signal.signal(signal.SIGUSR1, lambda number, frame: got.append(number))


def short(n=2):
    return n * n


os.getppid()
print("got", len(got), flush=True)
