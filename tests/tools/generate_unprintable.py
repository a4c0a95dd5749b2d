"""Makes native/inspect/unprintable.def: the code points that str.isprintable() rejects.

    python3.10 generate_unprintable.py dump > 3.10.txt      (and so on for each version)
    python3 generate_unprintable.py merge 3.10.txt 3.11.txt ... > unprintable.def

Later versions know a newer Unicode, in which more code points are assigned and so printable.
"""
import sys


def dump():
    print(*sys.version_info[:2])
    for point in range(0x110000):
        if not chr(point).isprintable():
            print(point)


def load(path):
    with open(path) as file:
        major, minor = file.readline().split()
        return int(major) << 24 | int(minor) << 16, {int(line) for line in file}


def merge(paths):
    versions = sorted(load(path) for path in paths)
    until = {}
    for point in sorted(versions[0][1]):
        rejecting = [python for python, points in versions if point in points]
        later = [python for python, points in versions if point not in points]
        assert not later or min(later) > max(rejecting), hex(point)
        until[point] = min(later, default=0)
    for _, points in versions[1:]:
        assert points <= until.keys(), "printable before, not now"
    print("/* Made by tests/tools/generate_unprintable.py from str.isprintable() of")
    print("   %s; do not edit." % ", ".join("%d.%d" % (v >> 24, v >> 16 & 255) for v, _ in versions))
    print("   BS_ROW(first, last, until): see repr_text.c. */")
    first = last = None
    for point in [*until, None]:
        if first is not None and (point != last + 1 or until[point] != until[first]):
            print("BS_ROW(0x%04x, 0x%04x, 0x%08x)" % (first, last, until[first]))
            first = None
        if first is None:
            first = point
        last = point


if sys.argv[1] == "dump":
    dump()
else:
    merge(sys.argv[2:])
