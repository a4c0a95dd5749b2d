/*
 * The mean of the fastest runs, taken as they come.
 *
 * A run that other things disturb is slower; and on a machine that is shared, runs have phases that
 * are much slower for a second. So a run counts by how long it took in all. Runs are gathered in
 * classes of nearly the same length, of which the fastest few are kept; the mean is over those that
 * are nearly as fast as the fastest, rare exceptions apart, and over more only where these are too
 * few. It is a mean and no minimum because a clock may go in steps that are longer than what is
 * measured. Pure arithmetic.
 */
#ifndef BS_AGENT_PROBE_FASTEST_H
#define BS_AGENT_PROBE_FASTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BS_FASTEST_CLASSES 8

struct bs_fastest {
    size_t length;   /* values of a run */
    uint32_t enough; /* runs that make a mean, if there are so many */
    struct bs_fastest_class {
        int number;    /* of the class: logarithm of how long its runs took */
        uint32_t runs; /* 0: free */
    } classes[BS_FASTEST_CLASSES];
    double *sums;  /* `length` for each class; owned */
    uint32_t runs; /* kept or not */
};

/* @p enough runs make a mean. False: no memory. */
bool bs_fastest_init(struct bs_fastest *fastest, size_t length, uint32_t enough);
void bs_fastest_deinit(struct bs_fastest *fastest);
void bs_fastest_reset(struct bs_fastest *fastest);

/*
 * A run that took @p ticks in all: where its `length` values are to be added, or NULL when it is
 * too slow to be of use. @p step_ticks is what the clock cannot tell apart.
 */
double *bs_fastest_add(struct bs_fastest *fastest, uint64_t ticks, double step_ticks);

/* The mean of the fastest runs, `length` values; returns how many runs, 0: there are none. */
uint32_t bs_fastest_mean(const struct bs_fastest *fastest, double *ret);

/* Whether there are enough runs that are nearly as fast as the fastest. */
bool bs_fastest_settled(const struct bs_fastest *fastest);

#endif
