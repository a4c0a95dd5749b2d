"""Stops in C under a deep stack of Python and C frames, as sorted() and its keys make one."""
import os
import sys


def deep(n):
    if not n:
        os.getppid()
        return 0
    return sorted([n], key=lambda item: deep(item - 1))[0]


depth = int(sys.argv[1]) if len(sys.argv) > 1 else 30
print("was", depth, "deep:", deep(depth))
