"""What GDB knows of addresses: symbols, source lines, modules."""

import re

import gdb

from .said import said
from .undo import Undo

# "START END SIZE OFFSET [PERMS] FILE": PERMS is missing for cores before GDB 14 and in all of 18.
MAPPING = re.compile(
    r"^\s*0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+0x[0-9a-f]+\s+0x([0-9a-f]+)"
    r"(?:[ \t]+([r-][w-][x-][sp-]))?(?:[ \t]+(\S.*?))?\s*$",
    re.MULTILINE,
)
DELETED = " (deleted)"
# "START  END  Yes (*)  FILE": of the code of a library.
SHARED = re.compile(r"^0x([0-9a-f]+)\s+0x[0-9a-f]+\s.*?\s((?:target:)?/.*)$", re.MULTILINE)
# "START - END is .text in FILE": without "in FILE" it is the program.
SECTION = re.compile(
    r"^\s*0x([0-9a-f]+) - 0x([0-9a-f]+) is \S+(?: in (.*\S))?\s*$", re.MULTILINE
)
# 'Symbol "NAME" is static storage at address PLACE.'
PLACE = re.compile(r" at address (0x[0-9a-f]+)\.$", re.MULTILINE)
# The languages that have casts as C has them: nearly always it is one of these.
C_CASTS = re.compile(r'"(?:auto; currently )?(?:c|c\+\+|asm|minimal|objective-c|opencl)"')
# What link time optimisation says compiled its functions, each of them in a file of its own.
LINKED = "GNU GIMPLE"
PAGE_BYTES = 4096
ROWS = 64  # of the table of lines, at most, in which a function's file is looked for
SYMBOL = re.compile(r"^(.*?)(?: \+ \d+)? in section ")


def lookup(name):
    """The address of a global symbol, also of one without debug information."""
    # By debug information that BOLT 19 has rewritten, a pointer has 0 bytes, and so no value.
    return _value(name) or _place(name)


def _place(name):
    """What GDB says of where a symbol is, for which it needs no type."""
    place = PLACE.search(said("info address " + name))
    return int(place[1], 16) if place else 0


def _value(name):
    try:
        return _address(name)
    except LookupError:
        # A front end hears of every setting that changes, and GDB 18 spoils a list of MI that
        # it was printing, as for a frame filter: so this is done where nothing else is left.
        if C_CASTS.search(said("show language")):
            raise
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
    """[(path, start, end, build ID or None)] of the mapped files that hold code, the program first.

    The build ID is that of the file of which GDB has the symbols.
    """
    try:
        found = _from_mappings(said("info proc mappings"))
    except gdb.error:
        found = {}  # a stub that cannot read /proc, a core without a list of files
    ids = _build_ids(found) if found else {}
    if not found:
        found = _from_sections(said("info files"))
    program = _program()
    places = [(_without_mark(path),) + place + (ids.get(path),) for path, place in found.items()]
    return sorted(places, key=lambda place: (place[0] != program, place[1]))


def _program():
    """The path of the program, as the process sees it."""
    return (gdb.current_progspace().filename or "").removeprefix("target:")


def _without_mark(path):
    """By that name GDB had looked for the symbols of a file that is deleted, or replaced."""
    return path[: -len(DELETED)] if path.endswith(DELETED) else path


def _build_ids(found):
    """{path: build ID}, of the file that GDB believes to lie where `found` has the path.

    By its name it would not be found: links, and the root of a container, give a file several.
    """
    of_file = {objfile.filename: objfile.build_id for objfile in gdb.objfiles()}
    ids = {_program(): of_file.get(gdb.current_progspace().filename)}
    shared = said("info sharedlibrary")
    places = [(int(text, 16), file) for text, file in SHARED.findall(shared)]
    for path, (start, end) in found.items():
        for text, file in places:
            if start <= text < end:
                ids[path] = of_file.get(file)
    return ids


def _from_mappings(text):
    pieces = []  # [file, start, end, offset in it, whether it has code]
    for start, end, offset, permissions, path in MAPPING.findall(text):
        start, end, offset = int(start, 16), int(end, 16), int(offset, 16)
        code = not permissions or "x" in permissions
        last = pieces[-1] if pieces else [None, 0, 0, 0, False]
        if path.startswith("/") and path != last[0]:
            pieces.append([path, start, end, offset, code])
        elif path.startswith("/"):
            last[2], last[4] = end, last[4] or code
        elif not path and last[2] == start and "x" not in permissions:
            last[2] = end  # .bss goes on after the file's own pages; code there was made since
    # A part of the file may be mapped once more, as libffi does with itself.
    pieces.sort(key=lambda piece: -piece[3])
    return {path: (start, end) for path, start, end, _, code in pieces if code}


def _from_sections(text):
    """The same by sections; the first of a file is in the page that begins with its headers."""
    found = {}
    for start, end, path in SECTION.findall(text):
        path = path or _program()
        start, end = int(start, 16) // PAGE_BYTES * PAGE_BYTES, int(end, 16)
        low, high = found.get(path, (start, end))
        found[path] = (min(low, start), max(high, end))
    return found


def describe(address, module_list, frame):
    """[(function, file, line, module, offset)]: each function inlined there, innermost first.

    `frame` is a frame that is at `address`, or None.
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
        return [(functions[-1].name,) + _definition(functions[-1], address, sal)]
    chain, place = [], (sal.symtab and sal.symtab.filename, sal.line)
    for function in functions:
        chain.append((function.name,) + place)
        place = (function.symtab.filename, function.line)  # of an inlined one: where it is called
    return chain or [(_minimal_symbol(address),) + place]


def _definition(function, address, sal):
    """(file, line) of the function whose first instruction is at `address`."""
    line = function.line or sal.line
    if LINKED not in (function.symtab.producer or ""):
        return function.symtab.filename, line
    # GDB looks the number of the file up in the wrong table: the code tells in which file it is.
    plain = None
    for _ in range(ROWS):
        functions, sal = _functions(address), gdb.find_pc_line(address)
        if not functions or functions[-1].name != function.name or not sal.last:
            break
        if len(functions) > 1:
            return functions[-2].symtab.filename, line  # it is where the call inlined stands
        if not plain and sal.symtab and sal.line >= line:
            plain = sal.symtab.filename
        address = sal.last + 1
    return (plain, line) if plain else (None, 0)


def _module_of(address, module_list):
    for path, start, end, _ in module_list:
        if start <= address < end:
            return path, address - start
    return None, 0


def _functions(address):
    functions = []
    block = gdb.block_for_pc(address)
    while block and not block.is_static and not block.is_global:
        if block.function:
            functions.append(block.function)
        block = block.superblock
    return functions


def _minimal_symbol(address):
    match = SYMBOL.match(said("info symbol %#x" % address))
    return match.group(1) if match else None
