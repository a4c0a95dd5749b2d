"""Colours: bytesight's style names as terminal colours, the same as GDB's own defaults."""

import os

STYLES = {
    "title": "1",
    "function": "33",
    "file": "32",
    "variable": "36",
    "address": "34",
    "opcode": "32",
    "hot": "1;31",
    "dim": "2",
    "error": "31",
}


def escapes(debugger):
    """LLDB knows whether its output is a terminal, and not NO_COLOR."""
    if not debugger.GetUseColor() or os.environ.get("NO_COLOR"):
        return {}
    return {name: "\033[%sm" % code for name, code in STYLES.items()}
