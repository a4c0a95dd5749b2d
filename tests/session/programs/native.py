"""Functions whose C functions are looked at. The argument is the folder of the extension."""
import os
import sys

sys.path.insert(0, sys.argv[1])
import walked_extension  # noqa: E402


def divide(a, b):
    try:
        return a / b
    except ZeroDivisionError:
        return -1


def in_order():
    return sorted([3, 1, 2], key=lambda x: -x)


def extension():
    return walked_extension.exact()


os.getppid()
print("was", divide(1, 0), in_order(), extension())
