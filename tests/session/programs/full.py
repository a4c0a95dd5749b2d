"""May map no more memory while it stops in C."""
import os
import resource


def short(n):
    return n


resource.setrlimit(resource.RLIMIT_DATA, (4096, resource.getrlimit(resource.RLIMIT_DATA)[1]))
os.getppid()
resource.setrlimit(resource.RLIMIT_DATA, resource.getrlimit(resource.RLIMIT_DATA)[1:] * 2)
print("full", short(3))
