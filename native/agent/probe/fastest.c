#include "agent/probe/fastest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CLASS_WIDTH 0.02 /* runs of one class differ by so much */
/* So many classes are nearly as fast as the fastest. */
#define CLASSES_NEAR 3
/* The fastest class is the first that is not faster than a few exceptions. */
#define EXCEPTIONS_PART 0.01
/* Too few runs near the fastest: up to this part of all runs is taken. */
#define PART_MOST 0.25

bool bs_fastest_init(struct bs_fastest *fastest, size_t length, uint32_t enough) {
    *fastest = (struct bs_fastest){.length = length, .enough = enough};
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

/* The class of the fastest runs, not counting exceptions: its number. */
static int fastest_number(const struct bs_fastest *fastest) {
    const struct bs_fastest_class *class = next_class(fastest, INT32_MIN), *slower;
    uint32_t runs = class ? class->runs : 0;
    while (class && runs < fastest->runs * EXCEPTIONS_PART) {
        slower = next_class(fastest, class->number);
        if (!slower)
            break;
        class = slower;
        runs += class->runs;
    }
    return class ? class->number : 0;
}

/* The slowest class that the mean is over: its number. */
static int slowest_number(const struct bs_fastest *fastest) {
    const int near = fastest_number(fastest) + CLASSES_NEAR - 1;
    const double wanted = fmin(fastest->runs * PART_MOST, fastest->enough);
    const struct bs_fastest_class *class = next_class(fastest, INT32_MIN);
    int number = near;
    for (uint32_t runs = 0; class; class = next_class(fastest, class->number)) {
        if (class->number > near && runs >= wanted)
            break;
        runs += class->runs;
        number = class->number;
    }
    return number > near ? number : near;
}

uint32_t bs_fastest_mean(const struct bs_fastest *fastest, double *ret) {
    const int slowest = slowest_number(fastest);
    uint32_t runs = 0;
    memset(ret, 0, fastest->length * sizeof(*ret));
    for (size_t c = 0; c < BS_FASTEST_CLASSES; c++) {
        const struct bs_fastest_class *class = &fastest->classes[c];
        const double *sums = fastest->sums + c * fastest->length;
        if (!class->runs || class->number > slowest)
            continue;
        for (size_t i = 0; i < fastest->length; i++)
            ret[i] += sums[i];
        runs += class->runs;
    }
    for (size_t i = 0; runs && i < fastest->length; i++)
        ret[i] /= runs;
    return runs;
}

bool bs_fastest_settled(const struct bs_fastest *fastest) {
    const int near = fastest_number(fastest) + CLASSES_NEAR - 1;
    uint32_t runs = 0;
    for (size_t c = 0; c < BS_FASTEST_CLASSES; c++) {
        const struct bs_fastest_class *class = &fastest->classes[c];
        if (class->number <= near)
            runs += class->runs;
    }
    return runs >= fastest->enough;
}
