/*
 * Means of runs, kept apart by how fast the machine was.
 *
 * A machine that is shared has phases, of some tenths of a second, in which everything takes up to
 * twice as long. So each run belongs to a class of moments, by how long something took then that is
 * always the same, the measure; of the classes the fastest few are kept. And a mean is told as a
 * part of the measure, so that means of other moments can be compared. Runs are added first and get
 * their measure later, when it is known. It is a mean and no minimum because a clock may go in
 * steps that are longer than what is measured. Pure arithmetic.
 */
#ifndef BS_AGENT_PROBE_FASTEST_H
#define BS_AGENT_PROBE_FASTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BS_FASTEST_CLASSES 8

struct bs_fastest {
    size_t length; /* values of a run */
    struct bs_fastest_class {
        int number;    /* as from bs_fastest_class(); faster is smaller */
        uint32_t runs; /* 0: free */
        double ticks;  /* sum of the measure over the runs */
    } classes[BS_FASTEST_CLASSES];
    uint32_t added; /* runs without a class as yet */
    double *sums;   /* `length` for these, then for each class; owned */
};

/* False: no memory. */
bool bs_fastest_init(struct bs_fastest *fastest, size_t length);
void bs_fastest_deinit(struct bs_fastest *fastest);
void bs_fastest_reset(struct bs_fastest *fastest);

/* The class of moments with a measure of @p ticks by a clock that goes by @p step_ticks. */
int bs_fastest_class(double ticks, double step_ticks);

/* One run: where its `length` values are to be added. */
double *bs_fastest_add(struct bs_fastest *fastest);

/* In the moments of the runs that were added since the last time the measure was @p ticks. */
void bs_fastest_settle(struct bs_fastest *fastest, double ticks, double step_ticks);
/* Forget these runs: it is not known. */
void bs_fastest_drop(struct bs_fastest *fastest);

/* How many runs there are up to class @p limit. */
uint32_t bs_fastest_runs(const struct bs_fastest *fastest, int limit);

/* The fastest class up to which there are @p wanted runs; the slowest, if there are fewer. */
int bs_fastest_limit(const struct bs_fastest *fastest, uint32_t wanted);

/*
 * The mean of the runs up to class @p limit, `length` values, as it would be in moments with a
 * measure of @p ticks; 0: in their own. False: there are none.
 */
bool bs_fastest_mean(const struct bs_fastest *fastest, int limit, double ticks, double *ret);

#endif
