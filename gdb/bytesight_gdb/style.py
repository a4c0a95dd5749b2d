"""Colours: bytesight's style names as the styles that the user set in GDB (`show style`)."""

import os

import gdb

from .said import said

# bytesight's name: (GDB's style, also bold)
STYLES = {
    "title": ("title", False),
    "function": ("function", False),
    "file": ("filename", False),
    "variable": ("variable", False),
    "address": ("address", False),
    "opcode": ("disassembler mnemonic", False),
    "hot": ("highlight", True),
    "dim": ("metadata", False),
    "error": ("highlight", False),
}

COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
INTENSITIES = {"bold": "1", "dim": "2"}


def for_a_person():
    """Whether what a command writes is for a person, and not for a front end.

    One that talks GDB/MI may do so over a terminal, too; but there GDB edits no lines.
    """
    return not os.isatty(0) or said("show editing").endswith("on.\n")


def wanted():
    """Whether GDB itself would write colours to where its output goes."""
    return (
        bool(gdb.parameter("style enabled"))
        and os.isatty(1)
        and for_a_person()
        and os.environ.get("TERM", "dumb") != "dumb"
        and not os.environ.get("NO_COLOR")
    )


def _colour(value, base):
    """The code for a colour as `show style` gives it: a name, or a gdb.Color (GDB 17)."""
    if hasattr(value, "escape_sequence"):
        sequence = "" if value.is_none else value.escape_sequence(base == 30)
        return sequence[2:-1]
    return str(base + COLOURS.index(value)) if value in COLOURS else ""


def _escape(style, bold):
    codes = [
        "1" if bold else INTENSITIES.get(gdb.parameter("style %s intensity" % style), ""),
        _colour(gdb.parameter("style %s foreground" % style), 30),
        _colour(gdb.parameter("style %s background" % style), 40),
    ]
    codes = [code for code in codes if code]
    return "\033[%sm" % ";".join(codes) if codes else ""


def escapes():
    """The escape sequence of each style, as the user has set them now; none without colours."""
    if not wanted():
        return {}
    return {name: _escape(style, bold) for name, (style, bold) in STYLES.items()}


def for_host_charset(text):
    """`text` in what GDB's own output can hold, the rest as \\u escapes."""
    charset = gdb.host_charset()
    try:
        return text.encode(charset, "backslashreplace").decode(charset)
    except LookupError:
        return text.encode("ascii", "backslashreplace").decode("ascii")
