/* Cframes, for frames.c: what each evaluator call of 3.11 and 3.12 keeps on the C stack. */
#ifndef BS_INSPECT_CFRAME_H
#define BS_INSPECT_CFRAME_H

#include "inspect/interpreter.h"

/*
 * The cframe of the evaluator call before the one at @p cframe_addr, which is only half made: what
 * it says is before it if that is a cframe, else the nearest one further up the stack. 0 where none
 * is found; the one that a thread has without running anything is none.
 */
struct bs_error *bs_cframe_before(const struct bs_interpreter *python, uint64_t thread_state_addr,
                                  uint64_t cframe_addr, uint64_t *ret_addr);

#endif
