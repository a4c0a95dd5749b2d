"""Runs into stop() in many ways, and says at each stop what frames there are.

At a stop it prints, for each thread,
    thread IDENT TID
    frame NAME<tab>FILE<tab>LINE<tab>LASTI        innermost first
then "stop", and waits for a line. "done" ends.
"""
import asyncio
import collections
import contextlib
import functools
import gc
import io
import json
import os
import re
import sys
import threading
import unittest
import weakref

stops = 0


def describe(frame):
    while frame:
        code = frame.f_code
        name = getattr(code, "co_qualname", code.co_name)
        yield f"frame {name}\t{code.co_filename}\t{frame.f_lineno}\t{frame.f_lasti}\n"
        frame = frame.f_back


def stop(*args):
    global stops
    stops += 1
    native = {thread.ident: thread.native_id for thread in threading.enumerate()}
    lines = []
    for ident, frame in sys._current_frames().items():
        if ident == threading.get_ident():
            frame = sys._getframe()
        lines.append(f"thread {ident} {native.get(ident, 0)}\n")
        lines.extend(describe(frame))
    lines.append("stop\n")
    os.write(1, "".join(lines).encode())
    os.read(0, 100)
    return args[0] if args else 0


def recurse(depth):
    return stop() if depth == 0 else recurse(depth - 1) + 1


cached = functools.lru_cache(recurse)
part = functools.partial(recurse, 1)


def generator(depth):
    if depth:
        yield from generator(depth - 1)
    yield stop()


async def coroutine(depth):
    if depth:
        await coroutine(depth - 1)
    else:
        await asyncio.sleep(0)
        stop()


async def agenerator():
    for i in range(2):
        await asyncio.sleep(0)
        yield stop(i)


async def consume():
    async for _ in agenerator():
        pass
    await asyncio.gather(coroutine(3), coroutine(1))
    return [stop(x) async for x in agenerator()]


class Point:
    def __init__(self, x):
        self.x = stop(x)

    @property
    def y(self):
        return stop(1)

    def __getattr__(self, name):
        return stop(name)

    def __lt__(self, other):
        return stop(self.x < other.x)

    def __add__(self, other):
        return stop(self)

    def __enter__(self):
        return stop(self)

    def __exit__(self, *args):
        stop()

    def __del__(self):
        stop()

    def __iter__(self):
        yield stop(1)

    def __call__(self, f):
        @functools.wraps(f)
        def wrapper(*args):
            return f(*args)
        return wrapper


class Derived(Point):
    def __init__(self, x):
        super().__init__(x)
        self.extra = [stop(i) for i in range(1)]


class Meta(type):
    def __new__(mcs, name, bases, namespace):
        stop()
        return super().__new__(mcs, name, bases, namespace)


@contextlib.contextmanager
def manager():
    stop()
    yield
    stop()


class Case(unittest.TestCase):
    def test_stop(self):
        with self.assertRaises(ValueError):
            self.helper()

    def helper(self):
        try:
            stop()
            raise ValueError
        finally:
            stop()


def calls():
    stop()
    (lambda a, *b, **c: stop(a))(1, 2, d=3)
    recurse(3)
    recurse(200)
    sorted([3, 1, 2], key=stop)
    list(map(stop, [1]))
    functools.reduce(lambda a, b: stop(a), [1, 2, 3])
    re.sub("a", lambda match: stop("b"), "banana")
    json.loads('{"a": {"b": 1}}', object_hook=stop)
    json.dumps({1: {2}}, default=lambda value: stop(0))
    exec("def f(x):\n  return stop(x)\nf(1)\n")
    eval("[stop(i) for i in range(1)]")
    functools.lru_cache(stop)(5)
    collections.defaultdict(stop)["missing"]


def objects():
    a, b = Point(1), Derived(2)
    a.y
    a.missing
    sorted([b, a])
    with a + b:
        stop()
    list(a)
    a(recurse)(2)
    Meta("Made", (), {})
    del a, b
    ref = weakref.ref(type("Dead", (), {})(), lambda _: stop())
    with manager():
        stop()
    return ref


def generators():
    next(generator(4))
    sum(stop(x) for x in range(2))
    {stop(x): x for x in range(1)}
    list(zip(generator(1), generator(2)))
    g = generator(1)
    next(g)
    with contextlib.suppress(StopIteration):
        g.send(None)
    asyncio.run(consume())


def errors():
    try:
        try:
            1 / 0
        except ZeroDivisionError as error:
            stop()
            raise ValueError from error
    except ValueError:
        stop()


def tracer(frame, event, arg):
    if frame.f_code is recurse.__code__ and event == "line":
        stop()
    return tracer


def traced():
    sys.settrace(tracer)
    recurse(1)
    sys.settrace(None)
    sys.setprofile(lambda frame, event, arg: stop() if event == "c_call" and arg is len else None)
    len("x")
    sys.setprofile(None)


def threads():
    """Of all threads but the one that stops, none may go on while it tells and is looked at."""
    main = threading.get_ident()
    started = threading.Barrier(4)
    ended = threading.Lock()
    ended.acquire()

    def blocked(lock, depth):
        if depth:
            return blocked(lock, depth - 1)
        started.wait()
        with lock:
            while sys._current_frames()[main].f_code is not end.__code__:
                os.sched_yield()
            stop()
        ended.release()

    def waiting(lock, _):
        started.wait()
        next(blocking_generator(lock))
        ended.release()

    def blocking_generator(lock):
        with lock:
            yield

    def end(worker, lock):
        lock.release()
        ended.acquire()
        worker.join()
        while os.access(f"/proc/self/task/{worker.native_id}", os.F_OK):
            os.sched_yield()

    workers = []
    for target, depth in (blocked, 0), (blocked, 5), (waiting, 0):
        lock = threading.Lock()
        lock.acquire()
        workers.append((threading.Thread(target=target, args=(lock, depth)), lock))
        workers[-1][0].start()
    started.wait()
    # Until they are all in acquire(), where they stay.
    while not all(frame.f_code.co_name in ("blocked", "blocking_generator")
                  for ident, frame in sys._current_frames().items()
                  if ident != main):
        os.sched_yield()
    stop()
    for worker, lock in workers:
        end(worker, lock)


def main():
    calls()
    objects()
    generators()
    errors()
    traced()
    gc.collect()  # no __del__ may run while threads start
    threads()
    unittest.main(argv=["stops"], exit=False, testRunner=unittest.TextTestRunner(stream=io.StringIO()))
    os.write(1, b"done\n")


main()
