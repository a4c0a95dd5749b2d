/*
 * The collector is off while CALL is repeated. Where the repeats leave reference cycles behind and
 * memory grows, it is run between two of them. In a copy of the process it is for these alone: what
 * the program has left behind goes in the program, once, with all that its end does outside.
 */
#ifndef BS_AGENT_GARBAGE_H
#define BS_AGENT_GARBAGE_H

#include <stdint.h>

struct garbage {
    uint64_t
        pages;     /* in use after the latest collection, or at the first look; 0: not looked yet */
    uint32_t runs; /* since the latest look */
};

/* In a copy of the process, when it can import: take out of the collector's reach all there is. */
void bs_garbage_keep_theirs(void);

/* After each run of CALL; looks every now and then. Leaves the collector off. */
void bs_garbage_look(struct garbage *garbage);

#endif
