/*
 * One timed run of CALL. What happens between runs (evaluating arguments, reading clocks, handling
 * records) takes room where the processor predicts branches, and a run that comes right after it is
 * slower: measured, by 100 to 150 ns for a path of a thousand dispatches, and half as long again
 * for one of twenty. So a short run is timed right after others of the same, which nothing parts
 * from it. That is also how a loop around CALL would run it.
 */
#ifndef BS_AGENT_TIMED_H
#define BS_AGENT_TIMED_H

#include "agent/engine.h"
#include "agent/run.h"

/*
 * How many runs to make before one that takes @p run_ns, so that it is as fast as they get. None
 * where what they need cannot be made ready ahead of them.
 */
uint32_t bs_timed_settling(const struct run *run, double run_ns);

/*
 * Make @p settling runs and one more, under @p engine unless NULL, all of them made ready before;
 * only the last one is ended, and counts. False: as bs_run_finish(), and @p ret_ticks is worth
 * nothing.
 */
bool bs_timed_run(struct run *run, const struct engine *engine, uint32_t settling,
                  uint64_t *ret_ticks);

#endif
