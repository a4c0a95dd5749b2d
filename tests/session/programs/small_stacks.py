"""Stops in C on stacks of 8 KB: a coroutine's, which ends at a page that nobody may write to, and a
signal handler's, below which there is something of the program's own."""
import ctypes
import mmap
import os
import signal
import struct

SIZE = 8192
SS_SP, LINK = 16, 8  # in a ucontext_t
FLAGS, SIGACTION = 136, 152  # in a struct sigaction, and its size
SA_ONSTACK = 0x08000000
libc = ctypes.CDLL(None)
getppid = ctypes.cast(libc.getppid, ctypes.c_void_p)


def short(n=2):
    return n * n


def memory():
    """SIZE bytes after a page, and where they begin."""
    area = mmap.mmap(-1, mmap.PAGESIZE + SIZE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return area, ctypes.addressof(ctypes.c_char.from_buffer(area)) + mmap.PAGESIZE


def in_coroutine():
    area, start = memory()
    libc.mprotect(ctypes.c_void_p(start - mmap.PAGESIZE), mmap.PAGESIZE, 0)
    here, there = ctypes.create_string_buffer(4096), ctypes.create_string_buffer(4096)
    libc.getcontext(there)
    struct.pack_into("Q", there, LINK, ctypes.addressof(here))
    struct.pack_into("QQQ", there, SS_SP, start, 0, SIZE)
    libc.makecontext(there, getppid, 0)
    libc.swapcontext(here, there)


def in_handler():
    area, start = memory()
    area[:mmap.PAGESIZE] = b"\xab" * mmap.PAGESIZE
    libc.sigaltstack(struct.pack("QQQ", start, 0, SIZE), None)
    action = ctypes.create_string_buffer(SIGACTION)
    struct.pack_into("Q", action, 0, getppid.value)
    struct.pack_into("i", action, FLAGS, SA_ONSTACK)
    libc.sigaction(signal.SIGCHLD, action, None)
    os.kill(os.getpid(), signal.SIGCHLD)  # one that debuggers do not stop for
    libc.sigaltstack(struct.pack("QQQ", 0, 2, 0), None)
    return area[:mmap.PAGESIZE].count(b"\xab") == mmap.PAGESIZE


in_coroutine()
print("unharmed", in_handler(), flush=True)
os.getppid()
