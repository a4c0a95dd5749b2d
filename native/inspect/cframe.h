/*
 * Cframes, for frames.c: what each evaluator call of 3.11 and 3.12 keeps on the C stack.
 *
 * A call links its cframe to the thread a few instructions before it writes into it what it runs
 * and which cframe is before it. A stop in between finds there what an earlier call has left, which
 * may look like anything. But each call has its cframe at the same distance from the end of its C
 * frame, so that the C frames tell where the others are.
 */
#ifndef BS_INSPECT_CFRAME_H
#define BS_INSPECT_CFRAME_H

#include "inspect/dispatch.h"

/* Where the evaluator's calls are on a thread's C stack, innermost first. */
struct bs_evaluator_calls {
    struct bs_address_range *items; /* the end is the canonical frame address */
    size_t count;
};

/* Whether @p addr lies in the C frame of one of them. */
bool bs_evaluator_calls_hold(const struct bs_evaluator_calls *calls, uint64_t addr);

struct bs_cframe_before {
    uint64_t addr; /* of the cframe of the call before; 0: there is none, or it cannot be told */
    bool denied;   /* the innermost cframe says another, which is none or further out */
};

/*
 * What is before the thread's innermost cframe, @p cframe_addr, going by @p calls. Where these do
 * not tell, as for greenlets, that is a success with address 0. An unreadable cframe is an error.
 */
struct bs_error *bs_cframe_before(const struct bs_interpreter *python, uint64_t thread_state_addr,
                                  uint64_t cframe_addr, const struct bs_evaluator_calls *calls,
                                  struct bs_cframe_before *ret);

#endif
