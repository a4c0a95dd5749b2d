"""A thread that is not Python's, one that keeps the GIL busy, and the main thread stopping in C."""
import ctypes
import os
import sys
import threading
import time

libc = ctypes.CDLL(None)
foreign = ctypes.c_ulong()
libc.pthread_create(ctypes.byref(foreign), None, libc.pause, None)

done = False


def busy():
    turns = 0
    while not done:
        turns += 1
    return turns


def short(n=2):
    return n * n


worker = threading.Thread(target=busy)
if "busy" in sys.argv:
    worker.start()
print("ready", flush=True)
if "stop" in sys.argv:
    time.sleep(0.1)  # the foreign thread is in pause() by now
    os.getppid()
else:
    time.sleep(3)
done = True
if "busy" in sys.argv:
    worker.join()
print("joined", flush=True)
