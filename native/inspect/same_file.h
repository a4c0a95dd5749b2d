/*
 * Whether the symbols that the debugger has of a module are those of the file that was mapped. A
 * debugger finds the file by its name, and takes another one where it was replaced since (by an
 * upgrade), or where the process sees another root (in a container). All addresses are wrong then,
 * and a call of a function would be a jump to anywhere.
 */
#ifndef BS_INSPECT_SAME_FILE_H
#define BS_INSPECT_SAME_FILE_H

#include "inspect/target.h"

/* Fails with BS_ERROR_SYMBOLS when the module that a symbol at @p addr belongs to is known to be
 * another; what cannot be told is no failure. */
struct bs_error *bs_same_file_check(const struct bs_target *target, uint64_t addr);

#endif
