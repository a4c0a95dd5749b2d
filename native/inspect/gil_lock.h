/* The lock itself, for gil.c and threads.c. */
#ifndef BS_INSPECT_GIL_LOCK_H
#define BS_INSPECT_GIL_LOCK_H

#include "inspect/interpreter.h"

/* Where the lock of the interpreter at @p interpreter_addr lies; 0: it is not made yet. */
struct bs_error *bs_gil_lock(const struct bs_interpreter *python, uint64_t interpreter_addr,
                             uint64_t *ret_addr);

/* The thread state that holds the lock of the interpreter at @p interpreter_addr; 0 for nobody. */
struct bs_error *bs_gil_holder(const struct bs_interpreter *python, uint64_t interpreter_addr,
                               uint64_t *ret_state_addr);

#endif
