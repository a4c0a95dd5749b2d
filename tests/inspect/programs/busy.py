"""Runs code of the standard library for ever, and dumps its stack when it gets SIGUSR1.

The dump is made by faulthandler, in C, at the very place where the signal comes.
"""
import argparse
import asyncio
import contextlib
import faulthandler
import functools
import io
import json
import os
import random
import re
import signal
import sys
import textwrap
import tokenize
import unittest


class Shape:
    count = 0

    def __init__(self, depth):
        self.parts = [Shape(depth - 1) for _ in range(depth)]

    @property
    def size(self):
        return 1 + sum(part.size for part in self.parts)

    def __lt__(self, other):
        return self.size < other.size

    def __iter__(self):
        yield self
        for part in self.parts:
            yield from part

    def __del__(self):
        Shape.count += 1


def shapes():
    shape = Shape(4)
    sorted(shape)
    return max(shape, key=lambda part: part.size)


@functools.lru_cache(None)
def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def recursion():
    fibonacci.cache_clear()
    fibonacci(80)


async def worker(queue):
    while True:
        item = await queue.get()
        async with contextlib.AsyncExitStack():
            await asyncio.sleep(0)
        if item is None:
            return


async def serve():
    queue = asyncio.Queue()
    tasks = [asyncio.ensure_future(worker(queue)) for _ in range(3)]
    for i in range(20):
        await queue.put(i)
    for _ in tasks:
        await queue.put(None)
    await asyncio.gather(*tasks)


def text():
    source = "\n".join(f"def f{i}(x):\n    return [x * {i} for y in range({i})]" for i in range(20))
    list(tokenize.generate_tokens(io.StringIO(source).readline))
    compile(source, "source", "exec")
    re.sub(r"\d+", lambda match: str(int(match.group()) + 1), source)
    textwrap.fill(source, 40)
    re.purge()
    re.compile(r"(?P<name>[a-z]+)|(\d+(?:\.\d*)?)|[^\w\s]")


def data():
    value = {"a": [{"b": i, "c": [1.5, None, "x"]} for i in range(20)]}
    json.loads(json.dumps(value, indent=1, default=str), object_hook=lambda d: d)


class Case(unittest.TestCase):
    def test_ok(self):
        with self.subTest(i=1):
            self.assertEqual(shapes().size, 65)

    def test_raises(self):
        with self.assertRaises(ZeroDivisionError):
            1 / 0


def tests():
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(Case)
    unittest.TextTestRunner(stream=io.StringIO()).run(suite)


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--x", type=lambda text: int(text))
    parser.parse_args(["--x", "3"])
    parser.format_help()


def errors():
    def fail(depth):
        try:
            if depth:
                fail(depth - 1)
            raise ValueError
        finally:
            depth += 1
    for _ in range(20):
        try:
            fail(5)
        except ValueError:
            pass


def main():
    faulthandler.register(signal.SIGUSR1, file=sys.stdout, all_threads=False)
    os.write(1, b"running\n")
    random.seed(1)
    loop = asyncio.new_event_loop()
    jobs = [shapes, recursion, text, data, tests, arguments, errors,
            lambda: loop.run_until_complete(serve())]
    while True:
        random.choice(jobs)()


main()
