/*
 * A machine made of arithmetic, for what of the probe knows nothing of Python: how long each
 * instruction takes is known, what stamps cost and hide is like on real ones.
 */
#ifndef BS_TESTS_PROBE_FAKE_MACHINE_H
#define BS_TESTS_PROBE_FAKE_MACHINE_H

#include "agent/probe/correct.h"
#include "core/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEAVING 99 /* an opcode after which nothing is dispatched again */

#define BODY       30 /* instructions of a loop */
#define TURNS      20
#define DISPATCHES (BODY * TURNS)
#define CODE_ADDR  0x7f0000001000ull

#define FULL_TICKS 28 /* no two stamps are nearer: what short instructions hide behind */
#define CLOCK_STEP 25 /* the clock goes in steps of so many ticks */

#define REFINE_RUNS 120000 /* that is some hundred for each plan */

/* It runs one function, in a straight line through a loop, now and then slowly. */
struct machine {
    int dispatches;
    double before_ticks, after_ticks; /* the first dispatch, the last */
    double ticks[BODY];
    uint8_t opcodes[BODY];
    struct bs_record records[DISPATCHES + 1];
    uint64_t random, now, start_ticks, run_ticks;
    bool slow;
    int waiting;                      /* this instruction waits for the system, */
    double waits_ticks, varied_ticks; /* for so long; in this run, a third more or less */
};

/* A machine, and what is found out of it. */
struct observed {
    struct machine machine;
    struct bs_reference reference;
    struct bs_refine refine;           /* zero until observed_refine() */
    struct bs_corrections corrections; /* zero until observed_correct() */
};

/* By opcode, as bs_reference.again. */
extern const bool machine_again[BS_TABLE_ENTRIES];

/*
 * With @p dispatches in all, and a way in and out where there is no loop. To be released with
 * observed_free(); NULL, and the test has failed: no memory.
 */
struct observed *observed_new(int dispatches);
void observed_free(struct observed **observed);
#define _cleanup_observed_ _cleanup_(observed_free)

/* What a run takes without the probe. */
double machine_sum(const struct machine *machine);

/* One run with a stamp at every dispatch, into `records`; returns how many. */
size_t machine_run_full(struct machine *machine);

/* Full runs for the reference, one in three of them slow. */
void observed_repeat(struct observed *observed, int runs);
/*
 * Refine by so many @p runs, half of the time on a slow machine, some blocks at a time. False, and
 * the test has failed: it could not, or it could not be solved.
 */
bool observed_refine(struct observed *observed, int runs);
/* With repeats whose records hold @p offset_bytes less than the instruction's address. */
void observed_correct(struct observed *observed, int32_t offset_bytes,
                      const struct bs_repeated *repeated);
/* Step number @p index, as it is told in the end. */
struct step observed_step(const struct observed *observed, size_t index);

#endif
