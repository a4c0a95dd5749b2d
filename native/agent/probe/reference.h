/*
 * The reference run: the dispatches of one run of CALL, or of its beginning, in order, and how long
 * each takes with the time taken at every dispatch, in the fastest runs. The refinement (refine.h)
 * plans by it. Pure: no Python.
 */
#ifndef BS_AGENT_PROBE_REFERENCE_H
#define BS_AGENT_PROBE_REFERENCE_H

#include "agent/probe/fastest.h"
#include "agent/probe/stubs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Dispatches that are looked at; their records stay in a second-level cache. */
#define BS_REFERENCE_MAX 16384

struct bs_dispatch {
    uint64_t value : 56; /* as in struct bs_record */
    uint64_t opcode : 8;
};

struct bs_reference {
    /*
     * From 3.11 on a handler may change its own instruction and dispatch it again, to specialise it
     * or to find out that it cannot; another tool's instrumentation does so too. That is one
     * execution, under the last opcode, and one dispatch here. By opcode: whether it may do that;
     * what leaves its frame cannot, and a caller may go on with the same instruction. NULL: none
     * may. Borrowed.
     */
    const bool *again;
    bool frozen;   /* it does not change any more: runs that stray do not count */
    bool is_whole; /* nothing came after it in the latest run that took its path */
    struct bs_dispatch *dispatches;
    size_t count;            /* 0: there is none yet */
    struct bs_fastest times; /* from each dispatch to the next */
    uint32_t seen, strayed;  /* runs, and those that took another path */
};

/* False: no memory. */
bool bs_reference_init(struct bs_reference *reference, const bool *again);
void bs_reference_deinit(struct bs_reference *reference);

/* Forget everything, for another CALL. */
void bs_reference_reset(struct bs_reference *reference);

/*
 * One run, of whose records, all of them stamped, the first @p count are here; they are changed.
 * Where runs often take another path, the reference is cut to what they share. Returns the ticks
 * from the first dispatch to the last, 0 if it did not take the path; its times have no class as
 * yet (fastest.h).
 */
uint64_t bs_reference_take(struct bs_reference *reference, struct bs_record *records, size_t count);

/*
 * Mean ticks from each dispatch to the next, as bs_fastest_mean() has it, into @p ret_ticks: count
 * of them, the last is 0. False: there are none.
 */
bool bs_reference_ticks(const struct bs_reference *reference, int limit, double measure_ticks,
                        double *ret_ticks);

/* Difference of two stamps. */
static inline uint64_t bs_stamp_ticks(uint64_t later, uint64_t earlier) {
    return (later - earlier) & ((1ull << 48) - 1);
}

#endif
