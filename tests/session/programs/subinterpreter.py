"""Stops in C in a sub-interpreter, below a function with names of its own."""
try:
    import _xxsubinterpreters as interpreters
except ImportError:
    import _interpreters as interpreters

INSIDE = """
import os
def double(n):
    return n + n
def stop(step):
    os.getppid()
    print("inside", step, double(step), flush=True)
stop(5)
"""


def outside(n):
    return n * n


made = interpreters.create()
interpreters.run_string(made, INSIDE)
interpreters.destroy(made)
print("outside", outside(5))
