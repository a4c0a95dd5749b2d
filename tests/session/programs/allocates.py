"""Allocates and frees a block that only the C library's malloc() can give, after a stop in C."""
import os


def short(n=2):
    return n * n


print("ready", flush=True)
os.getppid()
block = bytearray(100000)
size = len(block)
del block
print("allocated", size, flush=True)
