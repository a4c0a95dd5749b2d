/*
 * From times as measured to times as shown.
 *
 *   corrected = max(0, raw - cost)             cost: of the engine in this step, where it is known
 *                                              for each, else the header's overhead
 *   scale     = uninstrumented / sum           sum: of the corrected minima of one whole run
 *   shown     = corrected * scale
 *
 * Median and mean get the cost and the scale of the minimum. What cannot be known is said:
 * `uncertainty_ns` is one standard deviation of a single time: as the engine estimated it for each
 * step, or from the spread of its calibration and the step of the clock. A time below what these
 * can tell from nothing is below its `resolution_ns`.
 */
#ifndef BS_CORE_TIMING_H
#define BS_CORE_TIMING_H

#include "core/trace.h"

enum bs_statistic {
    BS_STATISTIC_MIN,
    BS_STATISTIC_MEDIAN,
    BS_STATISTIC_MEAN,
    BS_STATISTIC_COUNT,
};

/* The time of one execution, corrected and scaled, but for raw_min_ns and what is taken off it. */
struct bs_time {
    double ns[BS_STATISTIC_COUNT]; /* indexed by enum bs_statistic */
    double raw_min_ns, cost_ns;
    double uncertainty_ns, resolution_ns;
};

struct bs_timing {
    bool timed;               /* false: nothing was timed, all else is 0 */
    bool whole;               /* sum_ns is of all of a run */
    bool scaled;              /* false: nothing to scale, or nothing to scale to; scale is 1 */
    double constant_ns;       /* of the engine in a step that does not say its own cost */
    double constant_error_ns; /* of a step that does not say its own error */
    double step_ns;           /* of the clock; what knows its error is a mean over many of them */
    double overhead_ns;       /* that was subtracted from a step, on the average */
    double cost_sum_ns;       /* the same of all steps of one run */
    double sum_ns;            /* of all corrected minima of one run, before scaling */
    double raw_sum_ns;        /* the same, uncorrected */
    double scale;             /* uninstrumented_ns / sum_ns */
    double excess_ns;         /* by which a step is too long on the average: sum_ns is too much */
    double uncertainty_ns; /* of the time of one step, scaled: half of them have less, half more */
    double resolution_ns;  /* likewise */
    int decimals;          /* of a nanosecond, that the clock resolves; negative: tens, hundreds */
    double executions;     /* of steps in one run */
};

void bs_timing_init(const struct bs_trace *trace, struct bs_timing *ret);

/* The corrected time of @p step. */
void bs_timing_step(const struct bs_timing *timing, const struct bs_step *step,
                    struct bs_time *ret);

/* The time of event number @p index: the sum over its steps. False when there are none. */
bool bs_timing_event(const struct bs_timing *timing, const struct bs_trace *trace, size_t index,
                     struct bs_time *ret);

/*
 * The maths alone. Standard deviation of a step: that of a constant with interquartile range
 * @p spread_ns, and of the difference of two stamps of a clock that goes by @p clock_step_ns.
 * Decimals: those at which one unit is at most @p clock_step_ns, between -3 and 2.
 */
double bs_timing_deviation(double spread_ns, double clock_step_ns);
int bs_timing_decimals(double clock_step_ns);

#endif
