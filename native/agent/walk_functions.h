/*
 * Where functions begin, as unwind information tells (.eh_frame_hdr), which even stripped modules
 * have: it tells a tail call from a jump inside a function. No lock is taken: the dynamic loader is
 * not asked.
 *
 * The cold part of a function is a function of its own here.
 */
#ifndef BS_AGENT_WALK_FUNCTIONS_H
#define BS_AGENT_WALK_FUNCTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum walk_entry {
    WALK_ENTRY_UNKNOWN, /* there is no unwind information for the address */
    WALK_ENTRY_INSIDE,  /* it is inside a function */
    WALK_ENTRY_BEGINS,  /* a function begins there */
};

struct walk_functions {
    /* NULL: nothing is known. */
    enum walk_entry (*entry)(void *arg, uint64_t addr);
    void *arg;
};

/* Those of this process; released with bs_walk_functions_close, also after a failure. */
struct walk_functions bs_walk_functions_open(void);
void bs_walk_functions_close(struct walk_functions *functions);

#endif
