/*
 * A trial: a plan, and what runs by it told. Pure: no Python.
 */
#ifndef BS_AGENT_PROBE_TRIAL_H
#define BS_AGENT_PROBE_TRIAL_H

#include "agent/probe/fit.h"
#include "agent/probe/plan.h"

struct bs_trial {
    struct bs_plan plan;
    struct bs_fastest times; /* from the start of a run to the first stamp, from stamp to stamp, and
                                from the last one to the end of the run */
};

/* With a plan as bs_plan_make() makes it. False: no memory; to be released in any case. */
bool bs_trial_init(struct bs_trial *trial, const struct bs_reference *reference, bool tight,
                   uint64_t *random);
void bs_trial_deinit(struct bs_trial *trial);

/* A run by the plan, with @p count records; it does not count if it took another path. */
void bs_trial_take(struct bs_trial *trial, const struct bs_reference *reference,
                   const struct bs_record *records, size_t count, uint64_t start_ticks,
                   uint64_t end_ticks);

/*
 * The intervals: means over the runs up to class @p limit, as in moments with a measure of
 * @p measure_ticks (fastest.h). The one that ends with the run only if the reference is of all of
 * it, and has @p stretches; 0: it is not. Returns how many, at most stamp_count + 1, of which there
 * is room in @p ret and, for work, in @p means.
 */
size_t bs_trial_intervals(const struct bs_trial *trial, int limit, double measure_ticks,
                          size_t stretches, double *means, struct bs_interval *ret);

#endif
