"""Stops in C in a sub-interpreter, below a function with names of its own; with "thread", on another
thread than the one that made it."""
import sys
import threading

try:
    import _xxsubinterpreters as interpreters
except ImportError:
    import _interpreters as interpreters

INSIDE = """
import os
def double(n):
    return n + n
def endless():
    while True:
        pass
def stop(step):
    os.getppid()
    print("inside", step, double(step), flush=True)
stop(5)
"""


def outside(n):
    return n * n


made = interpreters.create()
if "thread" in sys.argv:
    thread = threading.Thread(target=interpreters.run_string, args=(made, INSIDE))
    thread.start()
    thread.join()
else:
    interpreters.run_string(made, INSIDE)
interpreters.destroy(made)
print("outside", outside(5))
