/*
 * What each version of CPython means by a byte of bytecode, as rows.
 *
 * The rows are in core/opcodes/3_NN.def, made by tests/tools/generate_opcodes.py from that Python's
 * own opcode and dis modules. To add a version: generate its .def, add a row to versions[] in
 * opcodes.c, and run the tests of tests/oracle, which compare with dis over the standard library.
 */
#ifndef BS_CORE_OPCODES_H
#define BS_CORE_OPCODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the argument of an instruction means: a row of argument_forms[] in argument.c. */
enum bs_argument {
    BS_ARGUMENT_NONE,   /* takes no argument */
    BS_ARGUMENT_PLAIN,  /* a number that dis does not explain */
    BS_ARGUMENT_EXTEND, /* EXTENDED_ARG: the high bits of the next argument */
    BS_ARGUMENT_CONST,
    BS_ARGUMENT_NAME,
    BS_ARGUMENT_NAME_NULL_BEFORE, /* 3.11: name << 1 | pushes NULL, "NULL + name" */
    BS_ARGUMENT_NAME_NULL_AFTER,  /* 3.13: the same, "name + NULL" */
    BS_ARGUMENT_NAME_SELF_BEFORE, /* 3.12: name << 1 | method, "NULL|self + name" */
    BS_ARGUMENT_NAME_SELF_AFTER,  /* 3.13: the same, "name + NULL|self" */
    BS_ARGUMENT_SUPER_BEFORE,     /* 3.12: name << 2 | two arguments << 1 | method */
    BS_ARGUMENT_SUPER_AFTER,      /* 3.13 */
    BS_ARGUMENT_NAME_LAZY,        /* 3.15: name << 2 | eager << 1 | lazy */
    BS_ARGUMENT_LOCAL,            /* from 3.11 on cells and free variables too */
    BS_ARGUMENT_CELL,             /* 3.10: counted from the first cell variable */
    BS_ARGUMENT_LOCAL_PAIR,       /* local << 4 | local */
    BS_ARGUMENT_JUMP_FORWARD,     /* in code units, from past the caches */
    BS_ARGUMENT_JUMP_BACKWARD,    /* the same */
    BS_ARGUMENT_JUMP_ABSOLUTE,    /* 3.10: in code units, from the start */
    BS_ARGUMENT_JUMP_FROM,        /* 3.14: END_ASYNC_FOR, backward to its SEND */
    BS_ARGUMENT_COMPARE,          /* index of the operator */
    BS_ARGUMENT_COMPARE_MASKED,   /* 3.12: operator << 4 | mask */
    BS_ARGUMENT_COMPARE_BOOL,     /* 3.13: operator << 5 | to bool << 4 | mask */
    BS_ARGUMENT_BINARY,
    BS_ARGUMENT_IS,
    BS_ARGUMENT_IN,
    BS_ARGUMENT_FORMAT,
    BS_ARGUMENT_CONVERT,
    BS_ARGUMENT_INTRINSIC_1,
    BS_ARGUMENT_INTRINSIC_2,
    BS_ARGUMENT_COMMON_CONSTANT,
    BS_ARGUMENT_SPECIAL,
    BS_ARGUMENT_FUNCTION_FLAGS, /* a set of bits */
    BS_ARGUMENT_COUNT,
};

/* The lists of texts of a version, which arguments index. */
enum bs_text_list {
    BS_TEXTS_NONE,
    BS_TEXTS_COMPARE,
    BS_TEXTS_BINARY,
    BS_TEXTS_IS,
    BS_TEXTS_IN,
    BS_TEXTS_FORMAT,
    BS_TEXTS_CONVERT,
    BS_TEXTS_INTRINSIC_1,
    BS_TEXTS_INTRINSIC_2,
    BS_TEXTS_COMMON_CONSTANT,
    BS_TEXTS_SPECIAL,
    BS_TEXTS_FUNCTION_FLAGS,
    BS_TEXTS_COUNT,
};

#define BS_TEXTS_MAX 32 /* more than the longest list: BINARY has 27 on 3.15 */

enum bs_line_format {
    BS_LINES_DELTAS,    /* 3.10: PEP 626, pairs of byte deltas (Objects/lnotab_notes.txt) */
    BS_LINES_LOCATIONS, /* 3.11: PEP 657 (Objects/locations.md) */
};

/* One of the 256 numbers. What is left out in a form is that of its base. */
struct bs_opcode {
    const char *name;
    uint8_t base; /* itself, but for a specialised or instrumented form */
    bool specialized;
    uint8_t argument; /* enum bs_argument */
    uint8_t cache_units;
};

/* A field of an inline cache; those of one opcode follow each other. */
struct bs_cache_field {
    const char *name;
    uint8_t opcode;
    uint8_t units; /* in the byte order of the machine, two bytes a unit; at most 4 */
};

struct bs_opcodes {
    uint32_t python;  /* major and minor: PY_VERSION_HEX >> 16 */
    bool labels;      /* jump targets are numbered, and jumps go "to L<n>" */
    bool blank_lines; /* code without a line starts a "line" too */
    enum bs_line_format line_format;
    const struct bs_opcode *opcodes;          /* 256 */
    const struct bs_cache_field *caches;      /* name NULL ends */
    const char *const (*texts)[BS_TEXTS_MAX]; /* BS_TEXTS_COUNT; NULL ends each */
};

/* The number of the opcode @p name, or -1 where this version has none. */
int bs_opcodes_number(const struct bs_opcodes *opcodes, const char *name);

/* The rows for @p python (PY_VERSION_HEX), or NULL. */
const struct bs_opcodes *bs_opcodes_find(uint32_t python);

#endif
