"""Once the agent is in this process, gives the numbers of closed files to pipes with data in them."""
import os
import time


def short(n=2):
    return n * n


def has_agent():
    with open("/proc/self/maps") as maps:
        return "libbytesight_agent" in maps.read()


print("ready", flush=True)
while not has_agent():
    time.sleep(0.01)
pipes = [os.pipe() for _ in range(3)]
for _, writer in pipes:
    os.write(writer, b"0123456789")
print("piped", flush=True)
for _ in range(300):  # of its own time: being stopped does not count
    time.sleep(0.01)
for reader, _ in pipes:
    os.set_blocking(reader, False)
    print(os.read(reader, 100).decode(), flush=True)
