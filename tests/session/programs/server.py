"""A busy server and, in another process, the client that checks every answer it gives.

Both go on until the file named by the first argument exists. Then the client says how many answers
were right, and the server whether it has the descriptors and threads that it began with.
"""
import os
import socket
import sys
import threading

stop = sys.argv[1]


def answer(text):
    return text.upper()[::-1]


def short(n=2):
    return n * n


def client(connection):
    """Ask and ask; count the right and the wrong ones."""
    right = wrong = 0
    stream = connection.makefile("rw")
    while not os.path.exists(stop):
        question = "question %d" % (right + wrong)
        stream.write(question + "\n")
        stream.flush()
        if stream.readline() == question.upper()[::-1] + "\n":
            right += 1
        else:
            wrong += 1
    connection.shutdown(socket.SHUT_RDWR)
    print("client: right", right > 100, "wrong", wrong, flush=True)


def serve(connection):
    stream = connection.makefile("rw")
    for line in stream:
        stream.write(answer(line.rstrip("\n")) + "\n")
        stream.flush()


def tick(done):
    while not done.wait(0.01):
        short(3)


def observe():
    return sorted(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))


here, there = socket.socketpair()
child = os.fork()
if not child:
    here.close()
    client(there)
    os._exit(0)
there.close()
done = threading.Event()
ticking = threading.Thread(target=tick, args=(done,))
ticking.start()
before = observe()
print("ready", flush=True)
serve(here)
after = observe()
here.close()
done.set()
ticking.join()
print("server: unchanged", before == after, "client", os.waitpid(child, 0)[1], flush=True)
