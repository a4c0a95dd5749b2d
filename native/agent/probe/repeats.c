#include "agent/probe/repeats.h"

#include <math.h>

void bs_repeats_add(struct bs_repeats *repeats, bool patterned, uint64_t ticks,
                    const struct bs_stream *stream) {
    struct bs_runs *runs = patterned ? &repeats->patterned : &repeats->all;
    if (!runs->runs++ || ticks < runs->fastest_ticks)
        runs->fastest_ticks = ticks;
    runs->sum_ticks += (double)ticks;
    repeats->dispatches += (double)stream->dispatches;
    repeats->timed_ticks += stream->timed_ticks;
    repeats->timed += stream->timed;
}

void bs_repeats_add_entry(struct bs_repeats *repeats, uint64_t ticks) {
    repeats->entry_ticks += (double)ticks;
    repeats->entries++;
}

uint32_t bs_repeats_count(const struct bs_repeats *repeats) {
    return repeats->all.runs + repeats->patterned.runs;
}

double bs_repeats_dispatches(const struct bs_repeats *repeats) {
    const uint32_t count = bs_repeats_count(repeats);
    return count ? repeats->dispatches / count : 0;
}

/*
 * Fast repeats as a part of all of them: those of each kind would all be as its fastest, and
 * @p more_ticks longer. But where they take different paths the fastest is another one.
 */
static double fast_part(const struct bs_repeats *repeats, bool diverged, double more_ticks) {
    const struct bs_runs *all = &repeats->all, *some = &repeats->patterned;
    if (diverged)
        return 1;
    return fmin(1, (((double)all->fastest_ticks + more_ticks) * all->runs +
                    ((double)some->fastest_ticks + more_ticks) * some->runs) /
                       (all->sum_ticks + some->sum_ticks));
}

struct bs_repeated bs_repeats_tell(const struct bs_repeats *repeats, bool diverged,
                                   double bare_ticks, double calibrated_ticks, double step_ticks) {
    const double dispatches = bs_repeats_dispatches(repeats);
    const double part = fast_part(repeats, diverged, 0);
    const double entry_ticks =
        repeats->entries ? repeats->entry_ticks / repeats->entries * part : 0;
    /* A run with a stamp at each dispatch would be its entry and so many instructions. */
    const double with =
        entry_ticks + repeats->timed_ticks / (double)repeats->timed * part * dispatches;
    const double cost_ticks =
        bare_ticks > 0 && with > bare_ticks ? (with - bare_ticks) / dispatches : calibrated_ticks;
    /* Of different paths no full run tells. */
    const double full = (double)repeats->all.fastest_ticks;
    const bool is_full_known = !diverged && bare_ticks > 0 && full > bare_ticks;
    /* Half of the first stamp is before its reading, and none of the way in. */
    return (struct bs_repeated){.cost_ticks = cost_ticks,
                                .full_cost_ticks =
                                    is_full_known ? (full - bare_ticks) / dispatches : cost_ticks,
                                .entry_ticks = fmax(entry_ticks - cost_ticks / 2, 0),
                                .fastest_part = part,
                                .fast_part = fast_part(repeats, diverged, step_ticks)};
}
