/*
 * What the repeats tell together: how long they took, and what a stamp adds to the time of an
 * instruction in them. Pure: no Python.
 */
#ifndef BS_AGENT_PROBE_REPEATS_H
#define BS_AGENT_PROBE_REPEATS_H

#include "agent/probe/correct.h"

struct bs_repeats {
    struct bs_runs {
        uint64_t fastest_ticks;
        double sum_ticks;
        uint32_t runs;
    } all, patterned;   /* with a stamp at each dispatch, and at some (pattern.h) */
    double dispatches;  /* of all of them */
    double entry_ticks; /* until the first dispatch, in those with a stamp there */
    uint32_t entries;   /* so many */
    double timed_ticks; /* of all instructions that have a time */
    uint64_t timed;     /* so many */
};

/* A repeat took @p ticks, and @p stream has gone through it. */
void bs_repeats_add(struct bs_repeats *repeats, bool patterned, uint64_t ticks,
                    const struct bs_stream *stream);
/* It has a stamp at its first dispatch, @p ticks after its start. */
void bs_repeats_add_entry(struct bs_repeats *repeats, uint64_t ticks);

uint32_t bs_repeats_count(const struct bs_repeats *repeats);
/* Of a repeat, on the average. */
double bs_repeats_dispatches(const struct bs_repeats *repeats);

/*
 * There is one at least. A run without the probe takes @p bare_ticks; 0: not known, a stamp then
 * costs @p calibrated_ticks. @p diverged: they took different paths.
 */
struct bs_repeated bs_repeats_tell(const struct bs_repeats *repeats, bool diverged,
                                   double bare_ticks, double calibrated_ticks, double step_ticks);

#endif
