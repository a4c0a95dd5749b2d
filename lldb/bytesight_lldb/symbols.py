"""What LLDB knows of addresses: symbols, source lines, modules."""

import lldb

# A symbol of one of these types is where a function or a variable is; others only lead to it.
PLACES = (lldb.eSymbolTypeCode, lldb.eSymbolTypeData)


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
    """[(path, start, end)] of the loaded modules that are files, the program first."""
    found = []
    for module in target.module_iter():
        path = module.GetFileSpec().fullpath or ""
        ranges = [_range(target, section) for section in module.section_iter()]
        ranges = [(start, end) for start, end in ranges if start is not None]
        if path.startswith("/") and ranges:
            found.append((path, min(ranges)[0], max(end for _, end in ranges)))
    return found


def _range(target, section):
    start = section.GetLoadAddress(target)
    if start == lldb.LLDB_INVALID_ADDRESS:
        return (None, None)
    return (start, start + section.GetByteSize())


def describe(target, address):
    """[(function, file, line, module, offset)]: each function inlined there, innermost first."""
    place = target.ResolveLoadAddress(address)
    context = place.GetSymbolContext(lldb.eSymbolContextEverything)
    module = context.GetModule()
    path, offset = None, 0
    if module.IsValid():
        path = module.GetFileSpec().fullpath
        offset = address - min(
            start for start, _ in (_range(target, s) for s in module.section_iter()) if start
        )
    chain = []
    entry = context.GetLineEntry()
    file, line = _file(entry.GetFileSpec()), entry.GetLine() if entry.IsValid() else 0
    block = context.GetBlock().GetContainingInlinedBlock() if context.GetBlock().IsValid() else None
    while block and block.IsValid():
        chain.append((block.GetInlinedName(), file, line, path, offset))
        file, line = _file(block.GetInlinedCallSiteFile()), block.GetInlinedCallSiteLine()
        block = block.GetParent().GetContainingInlinedBlock()
    return chain + [(_function(context), file, line, path, offset)]


def _file(spec):
    return spec.fullpath if spec.IsValid() and spec.GetFilename() else None


def _function(context):
    if context.GetFunction().IsValid():
        return context.GetFunction().GetName()
    symbol = context.GetSymbol()
    return symbol.GetName() if symbol.IsValid() else None
