"""A thread that is not Python's calls getppid(), "locked" with the loader's lock held, while the
main thread keeps the GIL."""
import ctypes
import itertools
import sys

SIGEV_THREAD = 2
libc = ctypes.CDLL(None)


def address(function):
    return ctypes.cast(function, ctypes.c_void_p).value


class Event(ctypes.Structure):  # struct sigevent
    _fields_ = [
        ("value", ctypes.c_void_p),
        ("signal", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("function", ctypes.c_void_p),
        ("rest", ctypes.c_void_p * 5),
    ]


def short(n=2):
    return n * n


event = Event(notify=SIGEV_THREAD, function=address(libc.getppid))
if "locked" in sys.argv:
    event.value, event.function = event.function, address(libc.dl_iterate_phdr)
timer = ctypes.c_void_p()
libc.timer_create(1, ctypes.byref(event), ctypes.byref(timer))
libc.timer_settime(timer, 0, (ctypes.c_long * 4)(0, 0, 0, 200000000), None)
for _ in itertools.repeat(None, 50000000):
    pass
print("spun", flush=True)
