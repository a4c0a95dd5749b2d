/*
 * The end of the value stack of the frame in which the program was stopped.
 *
 * From 3.14 on the evaluator keeps it in a register, and in the frame only while it calls somebody:
 * between, there is NULL. A debug build aborts where an object is freed then (_Py_Dealloc). So
 * while we run Python there, the frame has an end, that of an empty stack: as with NULL, the
 * collector finds nothing in it that it could take for garbage.
 */
#ifndef BS_AGENT_VALUE_STACK_H
#define BS_AGENT_VALUE_STACK_H

#include "format/request.h"

/* Give one to the innermost frame of this thread, which holds the GIL, if it has none. */
void bs_value_stack_lend(const struct bs_request *request);

/* Take it away again. A plain store, as bs_run_abandon() needs it. */
void bs_value_stack_take_back(void);

#endif
