/*
 * A code object read from raw memory: the supplier of struct bs_code for stacks, cores and the
 * `code` command. Constants get the repr() that the interpreter itself would give (repr.h).
 *
 * `adaptive` is the bytes as they are, instrumented forms included; `bytecode` is what they were
 * made from: base opcodes, caches zeroed. Where a tracing tool has replaced an instruction
 * (INSTRUMENTED_LINE, INSTRUMENTED_INSTRUCTION, ENTER_EXECUTOR) the original is looked up in the
 * code object's own side tables.
 */
#ifndef BS_INSPECT_CODE_READER_H
#define BS_INSPECT_CODE_READER_H

#include "inspect/arena.h"
#include "inspect/interpreter.h"

/* Bounds on what a code object may claim. Compiled code is far below each. */
#define BS_CODE_UNITS_MAX  (4u << 20)
#define BS_CODE_ITEMS_MAX  (1u << 20)
#define BS_CODE_BYTES_MAX  (32u << 20)
#define BS_CODE_STRING_MAX (64u << 10) /* code points of a name or file name; more are cut */

/*
 * Read the code object at @p code_addr. Everything of @p ret lives in @p arena. An error names the
 * field. A constant that cannot be read gets the text "<unreadable at 0x...>" instead.
 */
struct bs_error *bs_code_read(const struct bs_interpreter *python, uint64_t code_addr,
                              struct bs_arena *arena, struct bs_code *ret);

/* The same without names, constants and bytecode: qualname, filename, first_line, flags. */
struct bs_error *bs_code_read_title(const struct bs_interpreter *python, uint64_t code_addr,
                                    struct bs_arena *arena, struct bs_code *ret);

#endif
