"""What GDB knows of addresses: symbols, source lines, modules."""

import re

import gdb

from .undo import Undo

# "START END SIZE OFFSET [PERMS] FILE": PERMS is missing for cores before GDB 14 and in all of 18.
MAPPING = re.compile(
    r"^\s*0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+0x[0-9a-f]+\s+0x[0-9a-f]+"
    r"(?:[ \t]+([r-][w-][x-][sp-]))?(?:[ \t]+(\S.*?))?\s*$",
    re.MULTILINE,
)
# "START - END is .text in FILE": without "in FILE" it is the program.
SECTION = re.compile(
    r"^\s*0x([0-9a-f]+) - 0x([0-9a-f]+) is \S+(?: in (.*\S))?\s*$", re.MULTILINE
)
SYMBOL = re.compile(r"^(.*?)(?: \+ \d+)? in section ")


def lookup(name):
    """The address of a global symbol, also of one without debug information."""
    try:
        return _address(name)  # the language is nearly always C or one with C's casts
    except LookupError:
        # A front end hears of every setting that changes, and GDB 18 spoils a list of MI that
        # it was printing, as for a frame filter: so this is done where nothing else is left.
        with Undo() as undo:
            undo.setting("language", "c")
            return _address(name)


def _address(name):
    expression = "(unsigned long)&" + name
    try:
        # Names of the selected frame's own must not hide it; GDB 13 cannot say so.
        return int(gdb.parse_and_eval(expression, global_context=True))
    except TypeError:
        pass
    except gdb.error as error:
        raise LookupError(str(error))
    if _is_local(name):
        raise LookupError("a local variable of the selected frame hides '%s'" % name)
    try:
        return int(gdb.parse_and_eval(expression))
    except gdb.error as error:
        raise LookupError(str(error))


def _is_local(name):
    try:
        symbol = gdb.lookup_symbol(name)[0]
        return symbol is not None and symbol.needs_frame
    except gdb.error:
        return False  # no frame is selected


def modules():
    """[(path, start, end)] of the mapped files that hold code, the program first."""
    try:
        found = _from_mappings(gdb.execute("info proc mappings", False, True))
    except gdb.error:
        found = {}  # a stub that cannot read /proc, a core without a list of files
    if not found:
        found = _from_sections(gdb.execute("info files", False, True))
    program = gdb.current_progspace().filename
    ordered = sorted(found.items(), key=lambda item: (item[0] != program, item[1][0]))
    return [(path, start, end) for path, (start, end) in ordered]


def _from_mappings(text):
    found, code, last = {}, set(), None
    for start, end, permissions, path in MAPPING.findall(text):
        start, end = int(start, 16), int(end, 16)
        if not path and last and found[last][1] == start:
            path = last  # .bss goes on after the file's own pages
        if not path.startswith("/"):
            last = None
            continue
        low, high = found.get(path, (start, end))
        found[path] = (min(low, start), max(high, end))
        if not permissions or "x" in permissions:
            code.add(path)
        last = path
    return {path: place for path, place in found.items() if path in code}


def _from_sections(text):
    found = {}
    for start, end, path in SECTION.findall(text):
        path = path or gdb.current_progspace().filename or ""
        low, high = found.get(path, (int(start, 16), int(end, 16)))
        found[path] = (min(low, int(start, 16)), max(high, int(end, 16)))
    return found


def describe(address, module_list, frame):
    """[(function, file, line, module, offset)]: each function inlined there, innermost first.

    `frame` is a frame that is at `address`, or None. Where outer functions made the inlined calls
    is known to frames only: without one their line is 0.
    """
    place = _module_of(address, module_list)
    chain = _of_frame(frame) if frame else _of_address(address)
    return [link + place for link in chain]


def _of_frame(frame):
    chain = []
    while True:
        sal = frame.find_sal()
        function = frame.function()
        name = function.name if function else _minimal_symbol(frame.pc())
        chain.append((name, sal.symtab and sal.symtab.filename, sal.line))
        if frame.type() != gdb.INLINE_FRAME:
            return chain
        frame = frame.older()


def _of_address(address):
    functions, sal = _functions(address), gdb.find_pc_line(address)
    if functions and int(functions[-1].value().address) == address:
        # A function's first instruction stands for the function: nothing inlined has begun.
        function = functions[-1]
        return [(function.name, function.symtab.filename, function.line or sal.line)]
    innermost = functions[0].name if functions else _minimal_symbol(address)
    outer = [(symbol.name, symbol.symtab.filename, 0) for symbol in functions[1:]]
    return [(innermost, sal.symtab and sal.symtab.filename, sal.line)] + outer


def _module_of(address, module_list):
    for path, start, end in module_list:
        if start <= address < end:
            return path, address - start
    return None, 0


def _entered_at(address):
    """The function whose first instruction is at `address`, or None."""
    block = gdb.block_for_pc(address)
    while block and not block.is_static and not block.is_global:
        if block.function and block.superblock.is_static:
            return block.function if block.start == address else None
        block = block.superblock
    return None


def _functions(address):
    functions = []
    block = gdb.block_for_pc(address)
    while block and not block.is_static and not block.is_global:
        if block.function:
            functions.append(block.function)
        block = block.superblock
    return functions


def _minimal_symbol(address):
    match = SYMBOL.match(gdb.execute("info symbol %#x" % address, False, True))
    return match.group(1) if match else None
