/* Getting the GIL on this thread, without ever waiting for a thread that cannot run. */
#ifndef BS_AGENT_GIL_H
#define BS_AGENT_GIL_H

#include "agent/python.h"

#define GIL_HELD                                                                                   \
    "another thread holds the GIL: select the thread that holds it, or continue until none does"

enum gil {
    GIL_OURS, /* this thread holds it, or nobody does */
    GIL_THEIRS,
    GIL_UNKNOWN, /* this Python is newer than what is known of it */
};

enum gil bs_gil_state(void);

#endif
