/*
 * The fit: what the probe costs at each instruction, from intervals between stamps that are some
 * instructions apart (plan.h).
 *
 *     interval = sum over its stretches of (full - cost) + stamp + pass * passes
 *
 * A stretch is a dispatch until the next one, or what a run takes before its first dispatch. `full`
 * is what it takes with a stamp at every dispatch (reference.h), and `cost`, wanted, is how much of
 * that is the probe's: one number for each group of stretches that are alike. `stamp` and `pass`,
 * wanted too, are what one stamp and one dispatch passed by cost here; an interval that begins or
 * ends with the run has no stamp of its own.
 * Intervals cannot always tell neighbours apart, and those of one group are few: its cost is drawn
 * to that of all groups of its opcode, and that one, weakly, to a common one. Least squares, by
 * conjugate gradients; intervals that miss by far, as when something else took time, count less,
 * and so do those of few stretches. A cost may come out as a little more than `full`. Where all of
 * them miss by far, costs are drawn to `usual`.
 * Pure arithmetic, in clock ticks.
 */
#ifndef BS_AGENT_PROBE_FIT_H
#define BS_AGENT_PROBE_FIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BS_FIT_STAMPS 5 /* intervals of so many stretches, and more, are alike */

struct bs_interval {
    uint32_t first, end; /* stretches: from the one with the first stamp, to before the second */
    uint32_t passes;     /* dispatches within that were passed by */
    bool open;           /* it begins or ends with the run, and not with a stamp */
    double ticks;
};

struct bs_fit_input {
    const struct bs_interval *intervals;
    size_t interval_count;
    const double *full_ticks; /* of each stretch */
    const uint32_t *groups;   /* of each stretch */
    const uint8_t *opcodes;   /* of each group */
    size_t group_count;
    double usual_ticks; /* what a stamp costs at an instruction that does nothing */
};

struct bs_fit {
    double *cost_ticks;  /* of each group; owned */
    double *error_ticks; /* its standard error; owned */
    double common_ticks; /* what those of opcodes are drawn to */
    double stamp_ticks[BS_FIT_STAMPS], pass_ticks;
    double residual_ticks; /* standard deviation of what the model leaves unexplained */
};

/* False: no memory, or nothing to fit. */
bool bs_fit_solve(const struct bs_fit_input *input, struct bs_fit *ret);
void bs_fit_deinit(struct bs_fit *fit);

#endif
