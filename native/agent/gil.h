/* Getting the GIL on this thread, without ever waiting for a thread that cannot run. */
#ifndef BS_AGENT_GIL_H
#define BS_AGENT_GIL_H

#include "agent/python.h"
#include "format/request.h"

#define GIL_HELD                                                                                   \
    "another thread holds the GIL: select the thread that holds it, or continue until none does"

#define GIL_CHANGING                                                                               \
    "this thread is just taking the GIL or dropping it: continue for a moment and try again"

#define GIL_IN_SUBINTERPRETER                                                                       \
    "this thread runs a sub-interpreter, and not as the debugger found it: go on until it is back " \
    "in the main interpreter"

enum gil {
    GIL_OURS,   /* this thread holds it, for the main interpreter; or nobody does */
    GIL_INSIDE, /* this thread holds it, for the sub-interpreter that is to run CALL */
    GIL_THEIRS,
    GIL_ELSEWHERE, /* this thread runs a sub-interpreter */
    GIL_BETWEEN,   /* its lock is this thread's, but no thread state is active */
    GIL_UNKNOWN,   /* this Python is newer than what is known of it */
};

/* @p request says whether the lock itself is held, not by another thread, and by which state. */
enum gil bs_gil_state(const struct bs_request *request);

/*
 * In a copy of the process, before the GIL is taken: make what threads wait for on the lock at
 * @p gil_addr (0: not known) anew. Those that waited were not copied, but the C library counts them
 * still, and waits for one that was just waking up for ever when it is to wake another.
 */
void bs_gil_forget_waiters(uint64_t gil_addr);

/*
 * In a copy of the process, with the GIL held: serve what a thread that was not copied may have
 * asked for. It waited for the GIL, and the evaluator, at the next opportunity, hands it over and
 * waits until it is taken: for ever, did not a thread of ours take it here and now.
 */
void bs_gil_hand_over_once(void);

#endif
