#include "agent/probe/fastest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CLASS_WIDTH 0.03 /* what took the same thing differs by so much within a class */

bool bs_fastest_init(struct bs_fastest *fastest, size_t length) {
    *fastest = (struct bs_fastest){.length = length};
    fastest->sums = calloc((BS_FASTEST_CLASSES + 1) * length + 1, sizeof(*fastest->sums));
    return fastest->sums != NULL;
}

void bs_fastest_deinit(struct bs_fastest *fastest) {
    free(fastest->sums);
    *fastest = (struct bs_fastest){};
}

void bs_fastest_drop(struct bs_fastest *fastest) {
    memset(fastest->sums, 0, fastest->length * sizeof(*fastest->sums));
    fastest->added = 0;
}

void bs_fastest_reset(struct bs_fastest *fastest) {
    memset(fastest->classes, 0, sizeof(fastest->classes));
    bs_fastest_drop(fastest);
}

/* What is short has wider classes: one is not narrower than two steps of the clock. */
int bs_fastest_class(double ticks, double step_ticks) {
    return (int)floor(log(fmax(ticks, 1) + 2 * step_ticks / CLASS_WIDTH) / log1p(CLASS_WIDTH));
}

double *bs_fastest_add(struct bs_fastest *fastest) {
    fastest->added++;
    return fastest->sums;
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

static double *sums_of(const struct bs_fastest *fastest, const struct bs_fastest_class *class) {
    return fastest->sums + ((size_t)(class - fastest->classes) + 1) * fastest->length;
}

void bs_fastest_settle(struct bs_fastest *fastest, double ticks, double step_ticks) {
    const int number = bs_fastest_class(ticks, step_ticks);
    struct bs_fastest_class *class = fastest->added ? place_of(fastest, number) : NULL;
    if (class) {
        double *sums = sums_of(fastest, class);
        if (!class->runs || class->number != number) {
            *class = (struct bs_fastest_class){.number = number};
            memset(sums, 0, fastest->length * sizeof(*sums));
        }
        for (size_t i = 0; i < fastest->length; i++)
            sums[i] += fastest->sums[i];
        class->runs += fastest->added;
        class->ticks += fastest->added * ticks;
    }
    if (fastest->added)
        bs_fastest_drop(fastest);
}

uint32_t bs_fastest_runs(const struct bs_fastest *fastest, int limit) {
    uint32_t runs = 0;
    for (size_t i = 0; i < BS_FASTEST_CLASSES; i++)
        runs += fastest->classes[i].number <= limit ? fastest->classes[i].runs : 0;
    return runs;
}

int bs_fastest_limit(const struct bs_fastest *fastest, uint32_t wanted) {
    int limit = INT32_MAX, slowest = INT32_MIN;
    for (size_t i = 0; i < BS_FASTEST_CLASSES; i++) {
        const struct bs_fastest_class *class = &fastest->classes[i];
        if (!class->runs)
            continue;
        if (class->number < limit && bs_fastest_runs(fastest, class->number) >= wanted)
            limit = class->number;
        if (class->number > slowest)
            slowest = class->number;
    }
    return limit < slowest ? limit : slowest;
}

bool bs_fastest_mean(const struct bs_fastest *fastest, int limit, double ticks, double *ret) {
    double runs = 0, measures = 0;
    memset(ret, 0, fastest->length * sizeof(*ret));
    for (size_t c = 0; c < BS_FASTEST_CLASSES; c++) {
        const struct bs_fastest_class *class = &fastest->classes[c];
        const double *sums = sums_of(fastest, class);
        if (!class->runs || class->number > limit)
            continue;
        for (size_t i = 0; i < fastest->length; i++)
            ret[i] += sums[i];
        runs += class->runs;
        measures += class->ticks;
    }
    const double factor = ticks > 0 ? ticks / measures : 1 / runs;
    for (size_t i = 0; runs && i < fastest->length; i++)
        ret[i] *= factor;
    return runs > 0;
}
