"""The user's breakpoints, watchpoints and catchpoints, which are off while we call."""

import re

import gdb

from .said import said
from .undo import Undo

# "1  breakpoint  keep y ...", and the lines that tell more of it.
NUMBERED = re.compile(r"^(\d+)\s.*?\s(?:keep|del|dis|dstp)\s+([yn])\b")
COUNTED = re.compile(r"^\s+disable after (?:next|additional) (\d+) hits")
ADDRESS = re.compile(r"0x[0-9a-f]+")


def enabled():
    """{number: how many hits turn it off, None where none do}, as texts.

    Of GDB's own list, which has more than gdb.breakpoints(): dprintf, for one.
    """
    found, number = {}, None
    for line in _listed().splitlines():
        numbered, counted = NUMBERED.match(line), COUNTED.match(line)
        if numbered:
            number = numbered.group(1) if numbered.group(2) == "y" else None
        if number:
            found[number] = counted and counted.group(1)
            number = None if counted else number
    return found


def disable(undo, numbers):
    """Turn those that enabled() gave off. In a clone of the program they would be traps."""
    if numbers:
        undo.add(_enable, numbers)
        gdb.execute("disable " + " ".join(numbers), False, True)


def _enable(numbers):
    plain = [number for number, hits in numbers.items() if not hits]
    if plain:
        gdb.execute("enable " + " ".join(plain), False, True)
    for number, hits in numbers.items():
        if hits:  # which `enable` alone forgets
            gdb.execute("enable count %s %s" % (hits, number), False, True)


def _listed():
    """`info breakpoints`, without its effect on where `x` goes on and on what it sets."""
    with Undo() as undo:
        for name in ("_", "__"):
            undo.add(gdb.set_convenience_variable, name, gdb.convenience_variable(name))
        try:
            next_one = said("x/1")
        except gdb.error as error:
            next_one = str(error)  # "Cannot access memory at address 0x0"
        address = ADDRESS.search(next_one)
        if address:
            undo.add(gdb.execute, "x/0 " + address.group(), False, True)
        return said("info breakpoints")
