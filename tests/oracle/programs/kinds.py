"""Calls of many kinds, for listings that are compared with a formatter in Python."""


def recursive(n):
    return n and recursive(n - 1)


def generated():
    def inner():
        try:
            got = yield 1
            yield got
        except ValueError:
            yield 3
        finally:
            del got

    generator = inner()
    next(generator)
    generator.send(2)
    generator.throw(ValueError("into"))
    generator.close()
    return [*map(str, (x * x for x in range(2)))]


def awaited():
    class Ready:
        def __await__(self):
            yield
            return 4

    class Managed:
        async def __aenter__(self):
            return await Ready()

        async def __aexit__(self, *exc):
            return True

    async def main():
        async with Managed() as value:
            raise KeyError(value)

    coroutine = main()
    try:
        while True:
            coroutine.send(None)
    except StopIteration as stop:
        return stop.value


def managed():
    from contextlib import suppress
    with suppress(ZeroDivisionError):
        1 / 0
    return "after"


def matched(values=(1, (2, 3), {"k": 4}, "x")):
    found = []
    for value in values:
        match value:
            case int():
                found.append(value)
            case (first, second):
                found += first, second
            case {"k": k}:
                found.append(k)
            case _:
                found.append(None)
    return found


def größe(überlang="straße \u20ac \U0001f40d"):
    return f"{überlang!r:>30}" + "\t"	.strip()


class Wide:
    __slots__ = ("a",)

    def __init__(self):
        self.a = 1

    @classmethod
    def a_method_with_a_name_that_is_longer_than_the_rule(cls):
        return cls().a


def compiled():
    names = {}
    exec(compile("\n" * 2000 + "def late(x):\n    return x + 1\nlate(1)", "/x/odd.name.txt", "exec"),
         names)
    return eval("sum(range(3))")


# Constants, names and jumps beyond what one byte of argument can say.
big_source = "def big(x):\n    if not x:\n        return None\n"
big_source += "".join(f"    name{i} = x + {i + 1000}\n" for i in range(300))
big_source += "    while x:\n" + "".join(f"        x = name{i}\n" for i in range(200))
big_source += "        x = 0\n    return name299\n"
exec(compile(big_source, "big.py", "exec"))

CASES = ["recursive(40)", "generated()", "awaited()", "managed()", "matched()", "größe()",
         "Wide.a_method_with_a_name_that_is_longer_than_the_rule()", "compiled()", "big(1)", "big(0)",
         "(lambda x: x)(1)"]
