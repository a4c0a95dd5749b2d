"""Write native/core/opcodes/3_NN.def for the Python that runs this.

    python3.13 tests/tools/generate_opcodes.py > native/core/opcodes/3_13.def

Numbers, names, caches and families come from the opcode module. How an argument is worded is
found by experiment: dis is shown one instruction with known names and arguments, and KINDS says
which kind of native/core/opcodes.h words it so. A kind that is not known is an error: add it to
KINDS, to opcodes.h and to native/core/argument.c.
"""

import dis
import functools
import opcode
import platform
import sys

COUNT = 256
NAMES = tuple(f"n{i}" for i in range(COUNT))
LOCALS = tuple(f"v{i}" for i in range(COUNT))
CELLS = tuple(f"c{i}" for i in range(COUNT))
CONSTS = tuple(10000 + i for i in range(COUNT))


class Code:
    """What dis asks of a code object. A real one would be looked at by the interpreter too."""
    co_names, co_varnames, co_cellvars, co_freevars, co_consts = NAMES, LOCALS, CELLS, (), CONSTS
    co_firstlineno = 1
    _varname_from_oparg = staticmethod(LOCALS.__getitem__)
    co_lines = co_positions = staticmethod(lambda: iter(()))

    def __init__(self, co_code):
        self.co_code = co_code


# Instructions whose argument indexes a list of texts: kind, and bits below the index.
TEXT_KINDS = {
    "BINARY_OP": ("BINARY", 0),
    "CALL_INTRINSIC_1": ("INTRINSIC_1", 0),
    "CALL_INTRINSIC_2": ("INTRINSIC_2", 0),
    "CONTAINS_OP": ("IN", 0),
    "CONVERT_VALUE": ("CONVERT", 0),
    "FORMAT_VALUE": ("FORMAT", 0),
    "IS_OP": ("IS", 0),
    "LOAD_COMMON_CONSTANT": ("COMMON_CONSTANT", 0),
    "LOAD_SPECIAL": ("SPECIAL", 0),
}
# Where dis knows no end, the number of texts that mean something.
TEXT_COUNTS = {"CONTAINS_OP": 2, "IS_OP": 2, "FORMAT_VALUE": 8}
FLAG_OPS = ("MAKE_FUNCTION", "SET_FUNCTION_ATTRIBUTE")

# What dis prints for argument a, by kind. Of the kinds that fit the first is taken.
KINDS = {
    "PLAIN": lambda a: "",
    "CONST": lambda a: repr(CONSTS[a]),
    "NAME": lambda a: NAMES[a],
    "NAME_NULL_BEFORE": lambda a: "NULL + " * (a & 1) + NAMES[a >> 1],
    "NAME_NULL_AFTER": lambda a: NAMES[a >> 1] + " + NULL" * (a & 1),
    "NAME_SELF_BEFORE": lambda a: "NULL|self + " * (a & 1) + NAMES[a >> 1],
    "NAME_SELF_AFTER": lambda a: NAMES[a >> 1] + " + NULL|self" * (a & 1),
    "SUPER_BEFORE": lambda a: "NULL|self + " * (a & 1) + NAMES[a >> 2],
    "SUPER_AFTER": lambda a: NAMES[a >> 2] + " + NULL|self" * (a & 1),
    "NAME_LAZY": lambda a: NAMES[a >> 2] + ("", " + lazy", " + eager", " + lazy")[a & 3],
    "LOCAL": lambda a: LOCALS[a],
    "CELL": lambda a: CELLS[a],
    "LOCAL_PAIR": lambda a: f"{LOCALS[a >> 4]}, {LOCALS[a & 15]}",
    "COMPARE": lambda a: dis.cmp_op[a],
    "COMPARE_MASKED": lambda a: dis.cmp_op[a >> 4],
    "COMPARE_BOOL": lambda a: ("bool(%s)" if a & 16 else "%s") % dis.cmp_op[a >> 5],
}
# Where a relative and an absolute jump lands, in bytes from past the caches.
JUMPS = {
    "JUMP_FORWARD": lambda a, past: past + 2 * a,
    "JUMP_BACKWARD": lambda a, past: past - 2 * a,
    "JUMP_ABSOLUTE": lambda a, past: 2 * a,
}


def cache_fields(name):
    """The inline cache of an instruction: [(field, code units)]."""
    return list(getattr(opcode, "_cache_format", {}).get(name, {}).items())


def cache_units(name):
    return sum(units for _, units in cache_fields(name))


@functools.lru_cache(maxsize=None)
def show(op, name, arg):
    """What dis says about one instruction, or None where it knows no such argument."""
    code = Code(bytes([op, arg]) + bytes(2 * cache_units(name)))
    try:
        return next(dis.get_instructions(code))
    except IndexError:
        return None


def texts(name, first, step, limit):
    """The texts that dis prints for arguments first, first + step, ..."""
    shown = [show(opcode.opmap[name], name, arg) for arg in range(first, first + limit * step, step)]
    known = [i.argrepr for i in shown if i]
    assert shown[len(known):] == [None] * (limit - len(known)), name
    return known


def jump_kind(op, name):
    past = 2 + 2 * cache_units(name)
    for kind, lands in JUMPS.items():
        if all(show(op, name, arg).argval == lands(arg, past) for arg in (0, 1, 7, 200)):
            word = show(op, name, 7).argrepr.split()[0]
            assert word == "to" or (word == "from" and kind == "JUMP_BACKWARD"), name
            return kind if word == "to" else "JUMP_FROM"
    raise SystemExit(f"{name} jumps in a way that is not known")


def fits(op, name, kind):
    """Whether dis words every argument as the kind does, errors included."""
    for arg in range(COUNT):
        shown = show(op, name, arg)
        try:
            expected = KINDS[kind](arg)
        except IndexError:
            expected = None
        if (shown and shown.argrepr) != expected:
            return False
    return True


def argument_kind(op, name):
    if show(op, name, 0).arg is None:
        return "NONE"
    if op == opcode.EXTENDED_ARG:
        return "EXTEND"
    if op in dis.hasjrel or op in dis.hasjabs:
        return jump_kind(op, name)
    if name in FLAG_OPS and texts(name, 1, 1, 1) != [""]:
        return "FUNCTION_FLAGS"
    if name in TEXT_KINDS and texts(name, 0, 1, 2) != ["", ""]:
        return TEXT_KINDS[name][0]
    for kind in KINDS:
        if fits(op, name, kind):
            return kind
    raise SystemExit(f"{name} has a kind of argument that is not known")


def flag_texts(name):
    found = []
    for bit in range(8):
        text = show(opcode.opmap[name], name, 1 << bit).argrepr
        if text:
            found.append(text)
    return found


def specialized_forms():
    """{number: (name, family)}. Before 3.13 they fill the free numbers in order of listing."""
    families = getattr(opcode, "_specializations", {})
    family_of = {form: base for base, forms in families.items() for form in forms}
    numbers = getattr(opcode, "_specialized_opmap", None)
    if numbers is None:
        free = [i for i in range(COUNT) if opcode.opname[i].startswith("<")]
        numbers = dict(zip(family_of, free))
    return {number: (name, family_of[name]) for name, number in numbers.items()}


def instrumented_forms(real):
    """{number: (name, base)} of those that stand for one instruction and no other."""
    prefix = "INSTRUMENTED_"
    return {number: (name, name[len(prefix):]) for number, name in real.items()
            if name.startswith(prefix) and name[len(prefix):] in opcode.opmap}


def text_rows(real):
    lists = {"COMPARE": list(dis.cmp_op)}
    for number, name in sorted(real.items()):
        kind = argument_kind(number, name)
        if kind == "FUNCTION_FLAGS":
            lists[kind] = flag_texts(name)
        elif name in TEXT_KINDS and kind == TEXT_KINDS[name][0]:
            lists[kind] = texts(name, 0, 1, TEXT_COUNTS.get(name, COUNT))
    return lists


def c_string(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def main():
    version = "3_%d" % sys.version_info.minor
    real = {i: n for n, i in opcode.opmap.items() if i < COUNT}
    specialized, instrumented = specialized_forms(), instrumented_forms(real)
    plain = {i: n for i, n in real.items() if i not in instrumented}
    print(f"""\
/*
 * Instructions of CPython {platform.python_version()}, from its own opcode and dis modules:
 *     python3.{sys.version_info.minor} tests/tools/generate_opcodes.py > native/core/opcodes/{version}.def
 */

/* number, name, argument (BS_ARGUMENT_*), code units of inline cache */""")
    for number, name in sorted(plain.items()):
        print(f"BS_OPCODE({number}, {name}, {argument_kind(number, name)}, {cache_units(name)})")
    for title, macro, forms in (("Specialised", "BS_SPECIALIZED", specialized),
                                ("Instrumented", "BS_INSTRUMENTED", instrumented)):
        if forms:
            print(f"\n/* {title} forms: number, name, number of the base, its name */")
        for number, (name, base) in sorted(forms.items()):
            print(f"{macro}({number}, {name}, {opcode.opmap[base]}, {base})")
    print("\n/* Numbers without a meaning */")
    for number in range(COUNT):
        if number not in real and number not in specialized:
            print(f"BS_UNUSED({number})")
    caches = [(number, *field) for number, name in sorted(plain.items())
              for field in cache_fields(name)]
    if caches:
        print("\n/* Inline caches: opcode, field, code units */")
    for number, field, units in caches:
        print(f"BS_CACHE({number}, {c_string(field)}, {units})")
    print("\n/* Texts: list (BS_TEXTS_*), index, text */")
    for kind, items in text_rows(plain).items():
        for index, text in enumerate(items):
            print(f"BS_TEXT({kind}, {index}, {c_string(text)})")


if __name__ == "__main__":
    main()
