#include "agent/probe/fastest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CLASS_WIDTH 0.02 /* runs of one class differ by so much */
/* The mean is over this part of all runs, but over no more classes than it takes for so many. */
#define PART_LEAST  0.25
#define RUNS_ENOUGH 12

bool bs_fastest_init(struct bs_fastest *fastest, size_t length) {
    *fastest = (struct bs_fastest){.length = length};
    fastest->sums = malloc((BS_FASTEST_CLASSES * length + 1) * sizeof(*fastest->sums));
    return fastest->sums != NULL;
}

void bs_fastest_deinit(struct bs_fastest *fastest) {
    free(fastest->sums);
    *fastest = (struct bs_fastest){};
}

void bs_fastest_reset(struct bs_fastest *fastest) {
    memset(fastest->classes, 0, sizeof(fastest->classes));
    fastest->runs = 0;
}

/* Short runs have wider classes: a class is not narrower than two steps of the clock. */
static int class_of(uint64_t ticks, double step_ticks) {
    double length = (double)ticks < 1 ? 1 : (double)ticks;
    return (int)floor(log(length + 2 * step_ticks / CLASS_WIDTH) / log1p(CLASS_WIDTH));
}

/* The class @p number, a free one, or the slowest, which is given up for a faster; NULL: none. */
static struct bs_fastest_class *place_of(struct bs_fastest *fastest, int number) {
    struct bs_fastest_class *slowest = &fastest->classes[0];
    for (size_t i = 0; i < BS_FASTEST_CLASSES; i++) {
        struct bs_fastest_class *class = &fastest->classes[i];
        if (class->runs && class->number == number)
            return class;
        if (!class->runs || (slowest->runs && class->number > slowest->number))
            slowest = class;
    }
    return !slowest->runs || slowest->number > number ? slowest : NULL;
}

double *bs_fastest_add(struct bs_fastest *fastest, uint64_t ticks, double step_ticks) {
    int number = class_of(ticks, step_ticks);
    struct bs_fastest_class *class = place_of(fastest, number);
    fastest->runs++;
    if (!class)
        return NULL;
    double *sums = fastest->sums + (size_t)(class - fastest->classes) * fastest->length;
    if (!class->runs || class->number != number) {
        *class = (struct bs_fastest_class){.number = number};
        memset(sums, 0, fastest->length * sizeof(*sums));
    }
    class->runs++;
    return sums;
}

/* The fastest class slower than @p number. */
static const struct bs_fastest_class *next_class(const struct bs_fastest *fastest, int number) {
    const struct bs_fastest_class *next = NULL;
    for (size_t i = 0; i < BS_FASTEST_CLASSES; i++) {
        const struct bs_fastest_class *class = &fastest->classes[i];
        if (class->runs && class->number > number && (!next || class->number < next->number))
            next = class;
    }
    return next;
}

uint32_t bs_fastest_mean(const struct bs_fastest *fastest, double *ret) {
    const struct bs_fastest_class *class = NULL;
    uint32_t runs = 0;
    double wanted = fmin(fastest->runs * PART_LEAST, RUNS_ENOUGH);
    memset(ret, 0, fastest->length * sizeof(*ret));
    while (runs < wanted) {
        class = next_class(fastest, class ? class->number : INT32_MIN);
        if (!class)
            break;
        const double *sums = fastest->sums + (size_t)(class - fastest->classes) * fastest->length;
        for (size_t i = 0; i < fastest->length; i++)
            ret[i] += sums[i];
        runs += class->runs;
    }
    for (size_t i = 0; runs && i < fastest->length; i++)
        ret[i] /= runs;
    return runs;
}
