"""Every kind of code that has opcodes of its own, for the globals of walked.py."""

import asyncio
import collections
import dataclasses
import functools
import io
import json
import re


class Base:
    __slots__ = ("a",)

    def __init__(self):
        self.a = 1

    def __add__(self, other):
        return 5

    def __iter__(self):
        yield 1
        yield from (2, 3)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        return True

    def __getattr__(self, name):
        return name

    def __call__(self, *args, **keywords):
        return args, keywords

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 3

    def __getitem__(self, index):
        return index

    def __len__(self):
        return 3


class Derived(Base):
    def __init__(self, *args):
        super().__init__()
        self.a = args

    @property
    def value(self):
        return self.a

    @classmethod
    def make(cls):
        return cls()

    @staticmethod
    def same(x):
        return x


def classes():
    d = Derived(1, 2)
    with d:
        raise ValueError(1)
    return [d + 1, list(d), d.foo, d(1, k=2), d == 3, {d: 1}, d[2], len(d), d.value,
            Derived.make(), d.same(3), d.a[0]]


def comprehensions():
    return ([(i, j) for i in range(3) if i for j in "ab"], {i: i for i in range(2)},
            {x for x in "aa"}, sum(i for i in range(4)), max((1, 2), key=lambda x: -x))


def generators():
    def generate():
        try:
            while True:
                yield 1
        except KeyError:
            yield 2
        finally:
            pass

    generator = generate()
    next(generator)
    generator.send(3)
    result = generator.throw(KeyError)
    generator.close()
    return result


class Manager:
    async def __aenter__(self):
        return 1

    async def __aexit__(self, *exception):
        pass


async def count(n):
    for i in range(n):
        yield i


async def awaits(n):
    await asyncio.sleep(0)
    async with Manager():
        return [x async for x in count(n)]


def coroutines():
    coroutine = awaits(2)
    try:
        while True:
            coroutine.send(None)
    except StopIteration as stop:
        return stop.value


def exceptions():
    result = []
    for i in range(4):
        try:
            try:
                if i == 0:
                    1 / 0
                if i == 1:
                    {}["x"]
                if i == 2:
                    raise OSError(2, "x") from ValueError()
            except (ZeroDivisionError, KeyError) as error:
                result.append(type(error).__name__)
                raise RuntimeError from error
            else:
                result.append("else")
            finally:
                result.append("finally")
        except Exception as error:
            result.append(str(error.__cause__))
    return result


def statements():
    a, (b, *c), d = 1, (2, 3, 4), 5
    del d
    text = f"{a:>{b}}{c!r}" "z"
    global changed
    changed = text
    assert a
    while a < 5:
        a += 1
        if a == 3:
            continue
        if a == 4:
            break
    chosen = a if b else c, not a and b or c, a < b < 9, a is not None, a in c
    sliced = [1, 2, 3][1:2], (1,)[::-1], "abc"[0], -a, ~b, a**b, a // 2, a % 3
    merged = dict(**{"a": 1}, b=2), [*c, 1], {**{"k": 1}}
    return chosen, sliced, merged, locals()


def recursion(n=4):
    return 1 if n < 1 else n * recursion(n - 1)


def star(*args, k=3, **keywords):
    return args, k, keywords


def calls():
    return (star(1, *[2], k=4, **{"z": 1}), star(), functools.partial(star, 1)(2),
            functools.reduce(lambda a, b: a + b, [1, 2, 3]), list(map(str, [1, 2])),
            list(filter(None, [0, 1])), sorted("ba", reverse=True), dict(zip("ab", [1, 2])),
            any([0, 1]), isinstance(1, int), getattr(1, "real"), print("x", file=io.StringIO()))


@dataclasses.dataclass
class Pair:
    x: int
    y: int = 0


def kinds():
    return [f() for f in (classes, comprehensions, generators, coroutines, exceptions, statements,
                          recursion, calls)]


def library():
    return (json.loads(json.dumps({"a": [1, 2.5, None, "x"], "b": {"c": True}})),
            re.sub(r"(\w+)-(\d+)", lambda m: m.group(2), "ab-12 cd-34"),
            dataclasses.asdict(Pair(1, 2)), collections.Counter("abca").most_common(1))
