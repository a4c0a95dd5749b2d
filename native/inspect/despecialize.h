/* From bytecode as it runs back to bytecode as it was compiled: co_code from co_code_adaptive. */
#ifndef BS_INSPECT_DESPECIALIZE_H
#define BS_INSPECT_DESPECIALIZE_H

#include "inspect/interpreter.h"

/*
 * Turn the @p units code units at @p bytes, which the code object at @p code_addr has, into base
 * opcodes with caches zeroed. What a tool replaced is looked up in the code object's side tables;
 * where those cannot be read the replacement stays.
 */
struct bs_error *bs_despecialize(const struct bs_interpreter *python, uint64_t code_addr,
                                 uint8_t *bytes, size_t units);

#endif
