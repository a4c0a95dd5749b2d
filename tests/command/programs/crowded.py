"""May open two more files, and no more where it is told `hard`; looks, when SIGUSR1 comes, whether
one that it has open is still where it was, and ends."""

import os
import resource
import signal
import sys
import time

FREE = 2
POSITION = 5


def use():
    return os.lseek(file, 50, os.SEEK_SET)


def enough(*ignored):
    assert os.lseek(file, 0, os.SEEK_CUR) == POSITION
    print("enough", 10, flush=True)
    sys.exit()


signal.signal(signal.SIGUSR1, enough)
file = os.open(__file__, os.O_RDONLY)
os.lseek(file, POSITION, os.SEEK_SET)
highest = os.dup(file)
while highest < file + 10:
    highest = os.dup(file)
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
least = highest + 1 + FREE
resource.setrlimit(resource.RLIMIT_NOFILE, (least, least if sys.argv[1] == "hard" else most))
print("ready", flush=True)
while True:
    time.sleep(60)
