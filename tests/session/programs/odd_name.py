"""Stops in a function whose name and file would clear a screen."""
import os


def odd():
    os.getppid()
    return 3


names = {name: "odd\x1b[2J" for name in ("co_name", "co_qualname") if hasattr(odd.__code__, name)}
odd.__code__ = odd.__code__.replace(co_filename="\x1b[2J.py", **names)
print("odd", odd(), flush=True)
