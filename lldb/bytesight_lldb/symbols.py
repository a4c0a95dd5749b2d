"""What LLDB knows of addresses: symbols, source lines, modules."""

import os
import re

import lldb

# A symbol of one of these types is where a function or a variable is; others only lead to it.
PLACES = (lldb.eSymbolTypeCode, lldb.eSymbolTypeData)
# What LLDB calls functions that have no name, from their unwind information.
UNNAMED = "___lldb_unnamed_symbol"
# In the answer of `image lookup -v`: the API does not tell where a function is declared.
DECLARATION = re.compile(r"FuncType: .*\bdecl = (.*?):(\d+)")


def lookup(target, name):
    """The address of a global symbol, also of one without debug information."""
    local = None
    for context in target.FindSymbols(name):
        symbol = context.GetSymbol()
        if symbol.GetType() not in PLACES:
            continue
        address = symbol.GetStartAddress().GetLoadAddress(target)
        if address == lldb.LLDB_INVALID_ADDRESS:
            continue
        if symbol.IsExternal():
            return address
        local = local or address
    if local is None:
        raise LookupError("there is no symbol '%s'" % name)
    return local


def modules(target):
    """[(path, start, end, build ID or None)] of the loaded modules that are files, the program first.

    The build ID is that of the file of which LLDB has the symbols.
    """
    found = []
    for module in target.module_iter():
        path = _path(module)
        ranges = [_range(target, section) for section in module.section_iter()]
        ranges = [(start, end) for start, end in ranges if start is not None]
        if path.startswith("/") and ranges:
            end = max(end for _, end in ranges)
            found.append((path, min(ranges)[0], end, _build_id(module)))
    return found


def _build_id(module):
    """LLDB makes one up, a checksum of four bytes, for a file that has none."""
    build_id = (module.GetUUIDString() or "").replace("-", "").lower()
    return build_id if len(build_id) > 8 else None


def _path(module):
    """As the kernel has it, without symbolic links."""
    path = module.GetFileSpec().fullpath
    return os.path.realpath(path) if path else ""


def _range(target, section):
    start = section.GetLoadAddress(target)
    if start == lldb.LLDB_INVALID_ADDRESS:
        return (None, None)
    return (start, start + section.GetByteSize())


def describe(target, address):
    """[(function, file, line, module, offset)]: each function inlined there, innermost first."""
    place = target.ResolveLoadAddress(address)
    context = place.GetSymbolContext(lldb.eSymbolContextEverything)
    where = _module_of(target, context.GetModule(), address)
    entry = context.GetLineEntry()
    file, line = _file(entry.GetFileSpec()), entry.GetLine() if entry.IsValid() else 0
    function = context.GetFunction()
    if function.IsValid() and _start(context).GetLoadAddress(target) == address:
        # A function's first instruction stands for the function: nothing inlined has begun.
        unit = _file(context.GetCompileUnit().GetFileSpec())
        return [(function.GetName(),) + _definition(target, address, unit, file, line) + where]
    chain = []
    block = context.GetBlock()
    block = block.GetContainingInlinedBlock() if block.IsValid() else block
    while block.IsValid():
        chain.append((block.GetInlinedName(), file, line) + where)
        file, line = _file(block.GetInlinedCallSiteFile()), block.GetInlinedCallSiteLine()
        block = block.GetParent().GetContainingInlinedBlock()
    return chain + [(_function(context), file, line) + where]


def _module_of(target, module, address):
    if not module.IsValid():
        return (None, 0)
    starts = [_range(target, section)[0] for section in module.section_iter()]
    starts = [start for start in starts if start is not None]
    return (_path(module), address - min(starts))


def _start(context):
    """Where the function or its cold piece begins: of both, LLDB takes the lower for the start."""
    symbol = context.GetSymbol()
    return (symbol if symbol.IsValid() else context.GetFunction()).GetStartAddress()


def _definition(target, address, unit, file, line):
    """(file, line) of the function that begins at `address`, in a file of its unit.

    What is linked with optimisation is one unit that is no file, and included files are in others'.
    """
    result = lldb.SBCommandReturnObject()
    interpreter = target.GetDebugger().GetCommandInterpreter()
    interpreter.HandleCommand("image lookup -v -a %d" % address, result)
    match = DECLARATION.search(result.GetOutput() or "")
    if not match:
        return unit, line
    name = match.group(1)  # no more than the file's own name
    known = [path for path in (unit, file) if path and os.path.basename(path) == name]
    return (known or [name])[0], int(match.group(2))


def _file(spec):
    return spec.fullpath if spec.IsValid() and spec.GetFilename() else None


def _function(context):
    if context.GetFunction().IsValid():
        return context.GetFunction().GetName()
    symbol = context.GetSymbol()
    name = symbol.GetName() if symbol.IsValid() else None
    if symbol.GetType() == lldb.eSymbolTypeTrampoline:
        return name + "@plt"
    return None if name and name.startswith(UNNAMED) else name
