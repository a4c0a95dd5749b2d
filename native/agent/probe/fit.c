#include "agent/probe/fit.h"

#include "agent/probe/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/*
 * Unknowns: the deviation of each group's cost from that of its opcode, of each opcode's from the
 * common one, then these.
 */
enum {
    COMMON = BS_TABLE_ENTRIES,
    PASS,
    STAMP,
    EXTRAS = STAMP + BS_FIT_STAMPS
};

#define ROUNDS_MAX 400
#define SMALL      1e-10 /* of the residual at the start, squared: good enough */

/*
 * How strongly deviations are drawn to nothing, in intervals: an interval weighs 1. Some ten begin
 * and end at a group for each execution, and what those leave open its opcode tells better than
 * nothing would. Measured: from 1 to 20 sums over statements hardly change, and less scatters.
 */
#define DRAW_GROUP  5
#define DRAW_OPCODE 0.1
/* Only to make the extras determined where nothing else does (no passes at all). */
#define DRAW_EXTRA 1e-6

/*
 * An interval of few dispatches weighs this much. How much of a stamp a processor does beside what
 * it stamps depends then on what that is, and not on how many they are: a number for each length is
 * right on the average, too high for the long ones and too low for the short ones. Measured: from
 * 0.05 to 0.2 the results are the same.
 */
#define WEIGHT_SHORT 0.1

/*
 * One of more ticks than this, as one with a system call in it, varies by a part of what it takes,
 * and says that much less.
 */
#define TICKS_LONG 4000.0

/* Solved so often; from the second time on, by what was missed the time before, intervals count */
#define SOLUTIONS 3
/* ... less that missed by more than so many times the median. */
#define MISS_MOST 4

/*
 * Beforehand the cost of a stamp is known to be about the usual one, give or take so many ticks.
 * Where times vary by more, as after a system call, intervals tell less than that: about so many
 * begin at a group, and so many end.
 */
#define USUAL_DEVIATION 20.0
#define INTERVALS_USUAL 10

struct system {
    const struct bs_fit_input *input;
    size_t count;    /* of unknowns */
    double *scale;   /* diagonal of the matrix: Jacobi's preconditioner */
    double *weights; /* of intervals */
    double *misses;  /* of intervals, one solution's; sorted */
};

static double weight_of(const struct bs_interval *w) {
    const double length = w->end - w->first < BS_FIT_STAMPS ? WEIGHT_SHORT : 1;
    return length / (1 + pow(w->ticks / TICKS_LONG, 2));
}

static int stamp_of(const struct bs_interval *w) {
    uint32_t stretches = w->end - w->first;
    return STAMP + (stretches < BS_FIT_STAMPS ? (int)stretches : BS_FIT_STAMPS) - 1;
}

/* What a stamp takes before its reading is in full_ticks already where a run begins, and what it
   takes after it where the run ends. */
static double stamps_of(const struct bs_interval *w) {
    return w->open ? 0 : 1;
}

/* How far the cost of a group is from the common one. */
static double deviation(const struct system *s, const double *x, size_t group) {
    return x[group] + x[s->input->group_count + s->input->opcodes[group]];
}

/* Prediction of interval @p w less its full times, for the unknowns @p x. */
static double predict(const struct system *s, const struct bs_interval *w, const double *x) {
    const double *extra = x + s->input->group_count;
    double costs = 0;
    for (uint32_t i = w->first; i < w->end; i++) {
        uint32_t group = s->input->groups[i];
        costs += extra[COMMON] + deviation(s, x, group);
    }
    return extra[stamp_of(w)] * stamps_of(w) + extra[PASS] * w->passes - costs;
}

/* Add @p value times the row of interval @p w to @p out. */
static void scatter(const struct system *s, const struct bs_interval *w, double value,
                    double *out) {
    double *extra = out + s->input->group_count;
    for (uint32_t i = w->first; i < w->end; i++) {
        uint32_t group = s->input->groups[i];
        out[group] -= value;
        extra[s->input->opcodes[group]] -= value;
        extra[COMMON] -= value;
    }
    extra[stamp_of(w)] += value * stamps_of(w);
    extra[PASS] += value * w->passes;
}

static double draw(const struct system *s, size_t unknown) {
    const size_t groups = s->input->group_count;
    return unknown < groups ? DRAW_GROUP : unknown < groups + COMMON ? DRAW_OPCODE : DRAW_EXTRA;
}

/* out = (A'A + draw) x */
static void multiply(const struct system *s, const double *x, double *out) {
    for (size_t i = 0; i < s->count; i++)
        out[i] = draw(s, i) * x[i];
    for (size_t i = 0; i < s->input->interval_count; i++) {
        const struct bs_interval *w = &s->input->intervals[i];
        scatter(s, w, s->weights[i] * predict(s, w, x), out);
    }
}

/* What is to be explained of an interval: its ticks less the full times. */
static double target(const struct system *s, const struct bs_interval *w) {
    double sum = w->ticks;
    for (uint32_t i = w->first; i < w->end; i++)
        sum -= s->input->full_ticks[i];
    return sum;
}

/* The right-hand side A'b, and about the diagonal of A'A: each execution counted alone. */
static void prepare(struct system *s, double *ret_right) {
    double *extra = s->scale + s->input->group_count;
    for (size_t i = 0; i < s->count; i++) {
        ret_right[i] = 0;
        s->scale[i] = draw(s, i);
    }
    for (size_t i = 0; i < s->input->interval_count; i++) {
        const struct bs_interval *w = &s->input->intervals[i];
        double length = 0, weight = s->weights[i];
        scatter(s, w, weight * target(s, w), ret_right);
        for (uint32_t d = w->first; d < w->end; d++) {
            uint32_t group = s->input->groups[d];
            s->scale[group] += weight;
            extra[s->input->opcodes[group]] += weight;
            length++;
        }
        extra[COMMON] += weight * length * length;
        extra[stamp_of(w)] += weight * stamps_of(w);
        extra[PASS] += weight * w->passes * w->passes;
    }
}

static double dot(const double *a, const double *b, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

/* Preconditioned conjugate gradients; @p right becomes the residual. @p work: three vectors. */
static void solve(const struct system *s, double *x, double *right, double *work) {
    const size_t n = s->count;
    double *direction = work, *image = work + n, *scaled = work + 2 * n;
    memset(x, 0, n * sizeof(*x));
    for (size_t i = 0; i < n; i++)
        direction[i] = scaled[i] = right[i] / s->scale[i];
    double size = dot(right, scaled, n), enough = size * SMALL;
    for (int round = 0; round < ROUNDS_MAX && size > enough; round++) {
        multiply(s, direction, image);
        double step = size / dot(direction, image, n);
        for (size_t i = 0; i < n; i++) {
            x[i] += step * direction[i];
            right[i] -= step * image[i];
            scaled[i] = right[i] / s->scale[i];
        }
        double next = dot(right, scaled, n);
        for (size_t i = 0; i < n; i++)
            direction[i] = scaled[i] + next / size * direction[i];
        size = next;
    }
}

static double miss(const struct system *s, size_t interval, const double *x) {
    const struct bs_interval *w = &s->input->intervals[interval];
    return target(s, w) - predict(s, w, x);
}

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Where something else took time, the interval says little: as Huber (1964) weighs it. */
static void weigh(struct system *s, const double *x) {
    const size_t count = s->input->interval_count;
    for (size_t i = 0; i < count; i++)
        s->misses[i] = fabs(miss(s, i, x));
    qsort(s->misses, count, sizeof(*s->misses), compare_doubles);
    const double most = MISS_MOST * s->misses[count / 2];
    for (size_t i = 0; i < count; i++) {
        double missed = fabs(miss(s, i, x));
        s->weights[i] = weight_of(&s->input->intervals[i]) * (missed > most ? most / missed : 1);
    }
}

/*
 * A group's cost is told by the stamps at the beginning and at the end of its executions; each has
 * about the error of an interval. Where there are none, only neighbours together are known.
 */
static void estimate_errors(const struct system *s, const double *x, struct bs_fit *fit) {
    const struct bs_fit_input *input = s->input;
    double squares = 0, weights = 0, spread = 0;
    for (size_t i = 0; i < input->interval_count; i++) {
        squares += s->weights[i] * miss(s, i, x) * miss(s, i, x);
        weights += s->weights[i];
    }
    fit->residual_ticks = sqrt(squares / weights);
    for (size_t g = 0; g < input->group_count; g++)
        spread += pow(deviation(s, x, g), 2);
    spread = input->group_count ? spread / (double)input->group_count : 0;

    double *begins = s->scale, *ends = fit->error_ticks; /* both free by now */
    memset(begins, 0, s->count * sizeof(*begins));
    memset(ends, 0, input->group_count * sizeof(*ends));
    for (size_t i = 0; i < input->interval_count; i++) {
        begins[input->groups[input->intervals[i].first]] += s->weights[i];
        ends[input->groups[input->intervals[i].end - 1]] += s->weights[i];
    }
    const double noise = fit->residual_ticks * fit->residual_ticks;
    for (size_t g = 0; g < input->group_count; g++) {
        double variance =
            begins[g] > 0 && ends[g] > 0 ? noise / begins[g] + noise / ends[g] : INFINITY;
        fit->error_ticks[g] = sqrt(fmin(variance, spread));
    }
}

/* From deviations to costs. */
static void add_up(const struct system *s, double *x) {
    const double common = x[s->input->group_count + COMMON];
    for (size_t g = 0; g < s->input->group_count; g++)
        x[g] = common + deviation(s, x, g);
}

/* The better of what was known beforehand and what the intervals say: a mean by their weights. */
static void draw_to_usual(const struct bs_fit_input *input, struct bs_fit *fit) {
    const double known = USUAL_DEVIATION * USUAL_DEVIATION;
    const double noise = fit->residual_ticks * fit->residual_ticks / INTERVALS_USUAL;
    const double trust = known / (known + noise), usual = (1 - trust) * input->usual_ticks;
    for (size_t g = 0; g < input->group_count; g++) {
        fit->cost_ticks[g] = usual + trust * fit->cost_ticks[g];
        fit->error_ticks[g] *= sqrt(trust);
    }
    fit->common_ticks = usual + trust * fit->common_ticks;
    for (size_t i = 0; i < BS_FIT_STAMPS; i++)
        fit->stamp_ticks[i] *= trust;
    fit->pass_ticks *= trust;
}

/* @p work: four vectors of unknowns. */
static void solve_robustly(struct system *s, double *x, double *work) {
    for (size_t i = 0; i < s->input->interval_count; i++)
        s->weights[i] = weight_of(&s->input->intervals[i]);
    for (int solution = 0; solution < SOLUTIONS; solution++) {
        if (solution)
            weigh(s, x);
        prepare(s, work);
        solve(s, x, work, work + s->count);
    }
}

bool bs_fit_solve(const struct bs_fit_input *input, struct bs_fit *ret) {
    const size_t n = input->group_count + EXTRAS;
    if (!input->interval_count)
        return false;
    struct bs_fit fit = {.cost_ticks = malloc(n * sizeof(double)),
                         .error_ticks = calloc(n, sizeof(double))};
    double *work = malloc((5 * n + 2 * input->interval_count) * sizeof(*work));
    bool room = work && fit.cost_ticks && fit.error_ticks;
    if (room) {
        struct system s = {.input = input,
                           .count = n,
                           .scale = work,
                           .weights = work + 5 * n,
                           .misses = work + 5 * n + input->interval_count};
        double *x = fit.cost_ticks, *extra = x + input->group_count;
        solve_robustly(&s, x, work + n);
        fit.common_ticks = extra[COMMON];
        memcpy(fit.stamp_ticks, extra + STAMP, sizeof(fit.stamp_ticks));
        fit.pass_ticks = extra[PASS];
        estimate_errors(&s, x, &fit);
        add_up(&s, x);
        draw_to_usual(input, &fit);
        *ret = fit;
    } else {
        bs_fit_deinit(&fit);
    }
    free(work);
    return room;
}

void bs_fit_deinit(struct bs_fit *fit) {
    free(fit->cost_ticks);
    free(fit->error_ticks);
    *fit = (struct bs_fit){};
}
