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
RESET = "\033[m"


def wanted(debugger):
    """LLDB knows whether its output is a terminal, and not NO_COLOR."""
    return debugger.GetUseColor() and not os.environ.get("NO_COLOR")


def apply(text, spans):
    """`text` with escape sequences where `spans`, [(start, style name)], begin."""
    pieces = [text[: spans[0][0]]] if spans else [text]
    for index, (start, name) in enumerate(spans):
        end = spans[index + 1][0] if index + 1 < len(spans) else len(text)
        code = STYLES.get(name)
        piece = text[start:end]
        pieces.append("\033[%sm%s%s" % (code, piece, RESET) if code and piece else piece)
    return "".join(pieces)
