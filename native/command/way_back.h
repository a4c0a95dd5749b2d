/*
 * The way back of a program that made CALL itself (--in-process), and in which CALL crashed: the
 * debugger takes the C stack back to where it was. What leads Python from the thread to frames and
 * evaluator calls must go back with it, or whoever follows it finds what the stack has been
 * overwritten with.
 */
#ifndef BS_COMMAND_WAY_BACK_H
#define BS_COMMAND_WAY_BACK_H

#include "command/place.h"

#define BS_WAY_BACK_LINKS 6

struct bs_way_back {
    uint64_t state_addr; /* of the thread; 0: it is none of Python's */
    uint64_t links[BS_WAY_BACK_LINKS];
};

/* Of the thread of @p place, before it makes the call. */
struct bs_error *bs_way_back_read(const struct bs_inferior *inferior, const struct bs_place *place,
                                  struct bs_way_back *ret);

/* After a call that did not come to its end, once the C stack is as it was. */
struct bs_error *bs_way_back_write(const struct bs_inferior *inferior,
                                   const struct bs_way_back *way_back);

#endif
