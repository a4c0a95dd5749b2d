/* Sums over whole repeats, and what they say a stamp costs. */
#include "agent/probe/repeats.h"
#include "check.h"

#include <math.h>

#define DISPATCHES 10
#define OWN        20  /* ticks of an instruction, */
#define STAMP      15  /* and of the stamp at it */
#define ENTRY      50  /* from the start to the reading of the first stamp, without any cost */
#define CALIBRATED 120 /* what a stamp at a NOP costs */

static bool is_near(double ticks, double expected) {
    return fabs(ticks - expected) < 1e-9;
}

/* One with a stamp at each dispatch, which takes @p times as long as the fastest. */
static void add_full(struct bs_repeats *repeats, double times) {
    const struct bs_stream stream = {.dispatches = DISPATCHES,
                                     .timed = DISPATCHES,
                                     .timed_ticks = times * DISPATCHES * (OWN + STAMP)};
    bs_repeats_add(repeats, false, (uint64_t)(times * (ENTRY + DISPATCHES * (OWN + STAMP))),
                   &stream);
    bs_repeats_add_entry(repeats, (uint64_t)(times * ENTRY));
}

/* One with @p stamps of which @p timed are each followed by one. */
static void add_patterned(struct bs_repeats *repeats, int stamps, int timed) {
    const struct bs_stream stream = {
        .dispatches = DISPATCHES, .timed = (uint64_t)timed, .timed_ticks = timed * (OWN + STAMP)};
    bs_repeats_add(repeats, true, (uint64_t)(ENTRY + DISPATCHES * OWN + stamps * STAMP), &stream);
}

TEST(repeats, tell_what_a_stamp_costs) {
    struct bs_repeats repeats = {};
    for (int i = 0; i < 16; i++)
        add_full(&repeats, 1);
    const struct bs_repeated told =
        bs_repeats_tell(&repeats, false, ENTRY + DISPATCHES * OWN, CALIBRATED, DISPATCHES);
    CHECK_EQ(bs_repeats_count(&repeats), 16);
    CHECK(is_near(bs_repeats_dispatches(&repeats), DISPATCHES));
    CHECK(is_near(told.cost_ticks, STAMP));
    CHECK(is_near(told.full_cost_ticks, STAMP));
    CHECK(is_near(told.entry_ticks, ENTRY - STAMP / 2.0));
    CHECK(is_near(told.fastest_part, 1));
    CHECK(is_near(told.fast_part, 1));
}

/* They take less time in all, and a stamp costs as much. */
TEST(repeats, by_the_pattern_tell_the_same) {
    struct bs_repeats repeats = {};
    add_full(&repeats, 1);
    for (int i = 0; i < 100; i++)
        add_patterned(&repeats, 4, 1);
    const struct bs_repeated told =
        bs_repeats_tell(&repeats, false, ENTRY + DISPATCHES * OWN, CALIBRATED, 0);
    CHECK_EQ(bs_repeats_count(&repeats), 101);
    CHECK(is_near(told.cost_ticks, STAMP));
    CHECK(is_near(told.full_cost_ticks, STAMP));
    CHECK(is_near(told.fastest_part, 1));
}

/* Times are means over all repeats, costs those of fast ones. */
TEST(repeats, that_were_slow_count_as_if_they_were_fast) {
    struct bs_repeats repeats = {};
    add_full(&repeats, 1);
    add_full(&repeats, 3);
    const double fastest = ENTRY + DISPATCHES * (OWN + STAMP);
    const struct bs_repeated told =
        bs_repeats_tell(&repeats, false, ENTRY + DISPATCHES * OWN, CALIBRATED, fastest / 2);
    CHECK(is_near(told.fastest_part, 0.5));
    CHECK(is_near(told.fast_part, 0.75));
    CHECK(is_near(told.cost_ticks, STAMP));
    CHECK(is_near(told.entry_ticks, ENTRY - STAMP / 2.0));
}

/* Of repeats that take turns on two paths, the fastest says nothing of the others. */
TEST(repeats, of_different_paths_are_taken_as_they_are) {
    struct bs_repeats repeats = {};
    const struct bs_stream shorter = {
        .dispatches = 2, .timed = 2, .timed_ticks = 2 * (OWN + STAMP)};
    for (int i = 0; i < 50; i++) {
        add_full(&repeats, 1);
        bs_repeats_add(&repeats, false, ENTRY + 2 * (OWN + STAMP), &shorter);
        bs_repeats_add_entry(&repeats, ENTRY);
    }
    const double mean = (DISPATCHES + 2) / 2.0;
    const struct bs_repeated told =
        bs_repeats_tell(&repeats, true, ENTRY + mean * OWN, CALIBRATED, 0);
    CHECK(is_near(bs_repeats_dispatches(&repeats), mean));
    CHECK(is_near(told.fastest_part, 1));
    CHECK(is_near(told.fast_part, 1));
    CHECK(is_near(told.cost_ticks, STAMP));
    CHECK(is_near(told.full_cost_ticks, told.cost_ticks));
}

/* Nothing is known of runs without stamps, or they took no less: the calibration then is. */
TEST(repeats, without_bare_runs_take_the_calibrated_cost) {
    struct bs_repeats repeats = {};
    add_full(&repeats, 1);
    const double all = ENTRY + DISPATCHES * (OWN + STAMP);
    for (int i = 0; i < 2; i++) {
        const struct bs_repeated told =
            bs_repeats_tell(&repeats, false, i ? all : 0, CALIBRATED, 0);
        CHECK(is_near(told.cost_ticks, CALIBRATED));
        CHECK(is_near(told.full_cost_ticks, CALIBRATED));
        CHECK(is_near(told.entry_ticks, 0)); /* never less than nothing */
    }
}
