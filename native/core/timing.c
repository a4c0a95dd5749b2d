#include "core/timing.h"

#include <math.h>

/* The interquartile range of a normal distribution, in standard deviations. */
#define QUARTILES_PER_DEVIATION 1.349

/* What is left of times when all is taken off them, by their rounding: so much of them at most. */
#define ROUNDING_PART 1e-6

/* The median of errors is an error among those of its bin, from one unit of a step's on. */
#define BINS_PER_OCTAVE 32
#define ERROR_BINS      (40 * BINS_PER_OCTAVE)

#define DECIMALS_MAX     2
#define DECIMALS_MIN     (-3)
#define DECIMALS_UNKNOWN 1

double bs_timing_deviation(double spread_ns, double clock_step_ns) {
    /* Two stamps, each off by anything up to half a step: a triangle as wide as two steps. */
    return hypot(spread_ns / QUARTILES_PER_DEVIATION, clock_step_ns / sqrt(6));
}

int bs_timing_decimals(double clock_step_ns) {
    if (clock_step_ns <= 0)
        return DECIMALS_UNKNOWN;
    int decimals = DECIMALS_MAX;
    double unit = 0.01;
    /* A step that is a power of ten, but for rounding, is taken as such. */
    for (; decimals > DECIMALS_MIN && unit * 10 <= clock_step_ns * (1 + 1e-6); decimals--)
        unit *= 10;
    return decimals;
}

static double cost_ns(const struct bs_timing *timing, const struct bs_step *step) {
    return step->cost ? step->cost * BS_STEP_UNIT_NS : timing->constant_ns;
}

static double said_error_ns(const struct bs_timing *timing, const struct bs_step *step) {
    return step->error ? ldexp(step->error * BS_STEP_UNIT_NS, (int)step->error_shift)
                       : timing->constant_error_ns;
}

static double corrected(double raw_ns, double cost_ns) {
    return raw_ns > cost_ns ? raw_ns - cost_ns : 0;
}

static void add(struct bs_timing *timing, const struct bs_step *step, double executions) {
    timing->cost_sum_ns += cost_ns(timing, step) * executions;
    timing->sum_ns += corrected(step->min_ns, cost_ns(timing, step)) * executions;
    timing->raw_sum_ns += step->min_ns * executions;
    timing->executions += executions;
}

/* Everything that was timed in one run of CALL, and belongs to an event where events say so. */
static void add_all(const struct bs_trace *trace, struct bs_timing *timing) {
    const struct bs_merge *merge = &trace->merge;
    for (size_t i = 0; i < merge->ordered_end; i++)
        add(timing, &trace->steps[i], trace->counts ? trace->counts[i] : 1);
    if (trace->counts) {
        for (size_t i = merge->ordered_steps; i < trace->step_count; i++)
            add(timing, &trace->steps[i], trace->counts[i]);
        return;
    }
    for (size_t i = merge->ordered_events; i < trace->event_count; i++) {
        size_t count;
        const struct bs_step *step = bs_trace_steps(trace, i, &count);
        if (step)
            add(timing, step, 1);
    }
}

/*
 * How uncertain the time of a step is, not scaled. What all steps are too long by may be in it, but
 * no more than it takes.
 */
static double own_error_ns(const struct bs_timing *timing, const struct bs_step *step) {
    return hypot(said_error_ns(timing, step),
                 fmin(timing->excess_ns, corrected(step->min_ns, cost_ns(timing, step))));
}

/*
 * The median over the steps that know their errors, or over those that do not; 0 when there are
 * none. Not the mean: one call of the system is uncertain by more than all else takes.
 */
static double usual_error_ns(const struct bs_trace *trace, const struct bs_timing *timing,
                             bool know) {
    size_t counts[ERROR_BINS] = {}, known = 0, seen = 0;
    double errors_ns[ERROR_BINS];
    for (size_t i = 0; i < trace->step_count; i++) {
        if ((trace->steps[i].error != 0) != know)
            continue;
        const double error_ns = own_error_ns(timing, &trace->steps[i]);
        const double octaves = log2(fmax(1, error_ns / BS_STEP_UNIT_NS));
        const size_t bin = (size_t)fmin(octaves * BINS_PER_OCTAVE, ERROR_BINS - 1);
        errors_ns[bin] = error_ns;
        counts[bin]++;
        known++;
    }
    for (size_t bin = 0; known && bin < ERROR_BINS; bin++) {
        seen += counts[bin];
        if (2 * seen >= known)
            return errors_ns[bin];
    }
    return 0;
}

static void set_resolution(const struct bs_trace *trace, struct bs_timing *timing) {
    const struct bs_image_header *header = trace->header;
    timing->step_ns = header->clock_step_ns;
    timing->constant_error_ns =
        bs_timing_deviation(header->overhead_spread_ns, header->clock_step_ns);
    double deviation = usual_error_ns(trace, timing, true), step_ns = deviation;
    if (deviation <= 0) {
        deviation = fmax(timing->constant_error_ns, usual_error_ns(trace, timing, false));
        step_ns = timing->step_ns;
    }
    timing->uncertainty_ns = deviation * timing->scale;
    timing->resolution_ns = fmax(deviation, step_ns) * timing->scale;
    timing->decimals = bs_timing_decimals(step_ns * timing->scale);
}

void bs_timing_init(const struct bs_trace *trace, struct bs_timing *ret) {
    const struct bs_image_header *header = trace->header;
    *ret = (struct bs_timing){.scale = 1};
    if (!(header->flags & BS_IMAGE_TIMED))
        return;
    ret->timed = true;
    ret->constant_ns = ret->overhead_ns = header->overhead_ns;
    add_all(trace, ret);
    if (ret->executions > 0)
        ret->overhead_ns = ret->cost_sum_ns / ret->executions;
    /* Without counts, lost events are lost to the sum: it is then not that of the whole run. */
    ret->whole = trace->counts || !(header->flags & BS_IMAGE_EVENTS_LOST);
    ret->scaled = ret->whole && header->uninstrumented_ns > 0 &&
                  ret->sum_ns > ROUNDING_PART * ret->raw_sum_ns;
    if (ret->scaled) {
        ret->scale = header->uninstrumented_ns / ret->sum_ns;
        ret->excess_ns = fmax(0, ret->sum_ns - header->uninstrumented_ns) / ret->executions;
    }
    set_resolution(trace, ret);
}

void bs_timing_step(const struct bs_timing *timing, const struct bs_step *step,
                    struct bs_time *ret) {
    const double cost = cost_ns(timing, step);
    const double error_ns = own_error_ns(timing, step);
    *ret = (struct bs_time){
        .ns = {[BS_STATISTIC_MIN] = corrected(step->min_ns, cost) * timing->scale,
               [BS_STATISTIC_MEDIAN] = corrected(step->median_ns, cost) * timing->scale,
               [BS_STATISTIC_MEAN] = corrected(step->mean_ns, cost) * timing->scale},
        .raw_min_ns = step->min_ns,
        .cost_ns = cost,
        .uncertainty_ns = error_ns * timing->scale,
        .resolution_ns = fmax(error_ns, step->error ? 0 : timing->step_ns) * timing->scale,
    };
}

bool bs_timing_event(const struct bs_timing *timing, const struct bs_trace *trace, size_t index,
                     struct bs_time *ret) {
    size_t count;
    const struct bs_step *steps = bs_trace_steps(trace, index, &count);
    if (!timing->timed || !steps)
        return false;
    bs_timing_step(timing, steps, ret);
    for (size_t i = 1; i < count; i++) {
        struct bs_time more;
        bs_timing_step(timing, &steps[i], &more);
        for (int statistic = 0; statistic < BS_STATISTIC_COUNT; statistic++)
            ret->ns[statistic] += more.ns[statistic];
        ret->raw_min_ns += more.raw_min_ns;
        ret->cost_ns += more.cost_ns;
        ret->uncertainty_ns = hypot(ret->uncertainty_ns, more.uncertainty_ns);
        ret->resolution_ns = hypot(ret->resolution_ns, more.resolution_ns);
    }
    return true;
}
