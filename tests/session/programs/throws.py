"""Calls a function of C++ that throws and catches, where it is called for and at the end."""

import ctypes
import os
import sys

library = ctypes.CDLL(os.path.join(sys.argv[1], "libthrows.so"))


def caught():
    return library.throws()


os.getppid()
print("caught", caught())
