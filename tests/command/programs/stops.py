"""Is busy in the way that its argument names, until SIGUSR1 comes; then it says so and ends."""

import builtins
import ctypes
import gc
import os
import select
import signal
import socket
import sys
import threading
import time


class Enough(Exception):
    pass


def enough(number, frame):
    raise Enough


def hot(n):
    total = 0
    for i in range(n):
        total += i
    return total


globals()["hot \x1b[2J"] = None  # which no CALL can name


def ready():
    print("ready", flush=True)


def read():
    inner = 20
    source, _ = os.pipe()
    ready()
    os.read(source, inner)


def wait_for_events():
    source, end = os.pipe()
    loop = select.epoll()
    loop.register(source, select.EPOLLIN)
    ready()
    loop.poll()
    os.close(end)


def draw():
    """With a connection to a display, whose server we are ourselves."""
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as display:
        server.bind("\0/tmp/.X11-unix/X%d" % os.getpid())
        server.listen()
        display.connect(server.getsockname())
        with server.accept()[0] as drawn:
            drawn.setblocking(False)
            ready()
            while True:
                time.sleep(60)


def talk(family=socket.AF_INET, address=("127.0.0.1", 0)):
    """With a connection to a server, which is here too; a pair of sockets is none."""
    ours, theirs = socket.socketpair()
    with socket.socket(family) as server, socket.socket(family) as client, ours, theirs:
        if sys.argv[1] != "talk_to_nobody":
            server.bind(address)
            server.listen()
            client.connect(server.getsockname())
        ready()
        while True:
            time.sleep(60)


def talk_to_nobody():
    talk()


def talk_by_name():
    talk(socket.AF_UNIX, "\0talk%d" % os.getpid())


def sleep():
    ready()
    while True:
        time.sleep(60)


def forked():
    """As servers do that embed Python: with no word of it to Python, which keeps its lock."""
    library = ctypes.PyDLL(None)
    child = library.fork()
    if child:
        os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    ready()
    library.pause()


def filtered():
    """Under a seccomp filter, which lets everything pass (prctl(2), seccomp(2))."""
    allow = (ctypes.c_uint16 * 4)(0x06, 0, 0, 0x7FFF)  # a sock_filter: BPF_RET, SECCOMP_RET_ALLOW

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_uint16), ("filters", ctypes.c_void_p)]

    program = Program(1, ctypes.addressof(allow))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(38, 1, 0, 0, 0) or prctl(22, 2, ctypes.byref(program), 0, 0):
        raise OSError(ctypes.get_errno(), "no filter")
    read()


def rooted():
    """In a root directory of its own; who is not root may do that in a user namespace."""
    if os.geteuid() and ctypes.CDLL(None, use_errno=True).unshare(0x10000000):
        raise OSError(ctypes.get_errno(), "no user namespace")
    os.chroot("/usr")
    read()


def odd_name():
    exec(compile("ready(); time.sleep(60)", "\x1b[2J.py", "exec"))


def faulting():
    """What has no number for a result, or an infinite one, is SIGFPE: as numeric code has it."""
    try:
        library = ctypes.CDLL("libm.so.6")
        library.feenableexcept(1 | 4)  # FE_INVALID, FE_DIVBYZERO of x86
    except OSError:
        pass  # musl cannot
    ready()
    time.sleep(60)


def restricted():
    """In text that has no builtins, as programs evaluate what they are given."""
    eval("ready() or sleep(60)",
         {"__builtins__": {}, "ready": ready, "sleep": time.sleep, "hot": hot})


def frozen():
    """In text whose names are in a frozendict, from 3.15 on."""
    exec("ready() or sleep(60)", builtins.frozendict(
        __builtins__=__builtins__, ready=ready, sleep=time.sleep, hot=hot))


def in_class():
    """In a class whose names are in a mapping of the program's own, which is no dict."""
    class Names:
        def __init__(self):
            self.names = {}

        def __getitem__(self, name):
            return self.names[name]

        def __setitem__(self, name, value):
            self.names[name] = value

    class Meta(type):
        def __new__(meta, name, bases, names):
            return type.__new__(meta, name, bases, names.names)

        @classmethod
        def __prepare__(meta, name, bases):
            return Names()

    class Made(metaclass=Meta):
        ready()
        time.sleep(60)


def loop():
    count = 0
    ready()
    while True:
        count += 1


def allocate():
    ready()
    while True:
        bytearray(5000)


def enter():
    """C calls Python, from ever other depths."""
    def descend(n):
        return n and sorted((n - 1,), key=descend)[0]
    ready()
    while True:
        for depth in range(7):
            descend(depth)


def hold_gil():
    library = ctypes.PyDLL(None)  # which keeps the lock during calls
    while True:
        library.usleep(300000)


def gil():
    os.register_at_fork(before=lambda: None)  # which runs while the main thread asks for the GIL
    threading.Thread(target=hold_gil, daemon=True).start()
    ready()
    while True:
        time.sleep(0.01)


def spin():
    while True:
        pass


def crowd():
    """The main thread has just got the lock for which others go on waiting."""
    for _ in range(3):
        threading.Thread(target=spin, daemon=True).start()
    ready()
    while True:
        time.sleep(0)
        os.getppid()


def foreign():
    library = ctypes.CDLL(None)
    library.pthread_create(ctypes.byref(ctypes.c_ulong()), None, library.pause, None)
    sleep()


kept = []  # up to 3.12 a sub-interpreter ends with the object that is its number


def subinterpreter():
    """From 3.12 on it has a GIL of its own."""
    try:
        import _xxsubinterpreters as module
    except ImportError:
        import _interpreters as module
    return module, module.create()


def sharing_subinterpreter():
    try:
        import _xxsubinterpreters as module
        return module, module.create(isolated=False)
    except ImportError:
        import _interpreters as module
        return module, module.create("legacy")


def beside():
    kept.append(subinterpreter())
    sleep()


# Ends when something can be read.
SUBINTERPRETER_CODE = """
import os, time
def told(fd):
    try:
        return os.read(fd, 1)
    except BlockingIOError:
        time.sleep(0.001)
def double(n):
    return [n, n]
def deep(n, fd):
    if n:
        return deep(n - 1, fd)
    while not told(fd):
        os.getppid()
deep(2, %d)
"""


def run_subinterpreter(fd):
    module, number = kept[0]
    module.run_string(number, SUBINTERPRETER_CODE % fd)


def inside(make=subinterpreter):
    """In a sub-interpreter, where no handler of a signal runs: but a byte comes with it."""
    fd, wakeup = os.pipe2(os.O_NONBLOCK)
    kept.append(make())
    signal.set_wakeup_fd(wakeup)
    ready()
    run_subinterpreter(fd)


def inside_sharing():
    """The same in one that shares the GIL with the main interpreter."""
    inside(sharing_subinterpreter)


def left():
    """Back from sub-interpreters that had the lock anew, and are gone."""
    ready()
    while True:
        module, number = subinterpreter()
        module.run_string(number, "import time; time.sleep(0)")
        module.destroy(number)
        os.getppid()


def elsewhere():
    """Another thread than the one that made the sub-interpreter runs it, and waits there."""
    fd, end = os.pipe()
    kept.append(subinterpreter())
    thread = threading.Thread(target=run_subinterpreter, args=(fd,))
    thread.start()
    try:
        sleep()
    finally:
        os.write(end, b"x")
        thread.join()


class Cycle:
    def __init__(self):
        self.me = self

    def __del__(self):
        try:
            sleep()
        except Enough:  # which does not leave a finalizer
            pass


def collect():
    Cycle()
    gc.collect()
    raise Enough


def crash():
    ctypes.string_at(0)


def leaves():
    os._exit(hot(3))  # back from hot() no other line begins


def deep(n):
    return deep(n + 1) if n else 0


class Huge:
    def __repr__(self):
        return "x" * 100_000_000


class Sly:
    def __repr__(self):
        raise ValueError("no")


def raising():
    raise ValueError("bottom")


def forever():
    while True:
        pass


def main():
    outer = 10
    try:
        globals()[sys.argv[1]]()
    except Enough:
        print("enough", outer, flush=True)


signal.signal(signal.SIGUSR1, enough)
main()
