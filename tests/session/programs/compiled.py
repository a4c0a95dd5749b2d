"""A loop that is hot enough for Python to compile it, where it can and PYTHON_JIT=1 says so."""

import os
import sys


def total(n):
    result = 0
    for i in range(n):
        result += i
    return result


for _ in range(30):
    total(10000)
os.getppid()
compiles = hasattr(sys, "_jit") and sys._jit.is_enabled()
print(f"compiles {compiles}, total {total(10)}", flush=True)
