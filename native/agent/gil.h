/* Getting the GIL on this thread, without ever waiting for a thread that cannot run. */
#ifndef BS_AGENT_GIL_H
#define BS_AGENT_GIL_H

#include "agent/python.h"

#include <stdbool.h>

#define GIL_HELD                                                                                   \
    "another thread holds the GIL: select the thread that holds it, or continue until none does"

#define GIL_CHANGING                                                                               \
    "this thread is just taking the GIL or dropping it: continue for a moment and try again"

enum gil {
    GIL_OURS, /* this thread holds it, or nobody does */
    GIL_THEIRS,
    GIL_BETWEEN, /* its lock is this thread's, but no thread state is active */
    GIL_UNKNOWN, /* this Python is newer than what is known of it */
};

/* @p locked: the lock itself is held, and not by another thread. */
enum gil bs_gil_state(bool locked);

#endif
