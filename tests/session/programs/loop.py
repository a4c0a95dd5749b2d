"""A pure Python loop of a second or so, to be interrupted anywhere."""


def spin(n):
    total = 0
    for i in range(n):
        total += i & 3
    return total


def short(n=2):
    return n * n


print("ready", flush=True)
print("spun", spin(20_000_000), flush=True)
