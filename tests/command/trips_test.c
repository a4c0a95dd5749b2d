/*
 * Something goes wrong at the Nth callback of a command, for every N: the command must end with one
 * error (or, when the mishap did not matter, without) and leave nothing behind.
 */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#define CALLBACKS_MAX 100000 /* a command that needs more than this hangs */

/* Run @p line with @p trip at callback number @p at, in a session of its own. */
static struct bs_error *run_tripped(struct harness *harness, const char *line, enum fake_trip trip,
                                    unsigned int at) {
    harness->fake->trip = trip;
    harness->fake->trip_at = at;
    return harness_run(harness, line);
}

/* For each callback of @p line in turn; @p check gets the error, which stays ours. */
static void for_every_callback(const char *line, enum fake_trip trip, unsigned int polls,
                               void (*check)(const struct harness *harness,
                                             const struct bs_error *error, unsigned int at)) {
    bool tripped = true;
    for (unsigned int at = 1; tripped && CHECK(at < CALLBACKS_MAX); at++) {
        _cleanup_harness_ struct harness harness = harness_python();
        harness.fake->run.polls = polls;
        harness.fake->run.obeys = true;
        struct bs_error *error = run_tripped(&harness, line, trip, at);
        tripped = harness.fake->tripped;
        if (tripped)
            check(&harness, error, at);
        else
            CHECK_OK(error ? bs_error_create(error->code, "%s", error->message) : NULL);
        bs_error_destroy(error);
    }
}

/* Shown when a check below fails: which callback it was. */
static void note(const struct harness *harness, const struct bs_error *error, unsigned int at,
                 bool holds) {
    if (!holds)
        printf("  callback %u: %s; %u left over\n", at, error ? error->message : "no error",
               fake_leftovers(harness->fake));
}

static void check_interrupted(const struct harness *harness, const struct bs_error *error,
                              unsigned int at) {
    bool holds = error && error->code == BS_ERROR_INTERRUPTED && !fake_leftovers(harness->fake);
    note(harness, error, at, holds);
    CHECK(holds);
}

/* Progress returns nothing, so that a Ctrl-C there may come too late to be seen. */
static void check_clean(const struct harness *harness, const struct bs_error *error,
                        unsigned int at) {
    bool holds = !fake_leftovers(harness->fake);
    note(harness, error, at, holds);
    CHECK(holds);
}

/* A refused clean-up cannot clean up; all else must. */
static void check_one_error(const struct harness *harness, const struct bs_error *error,
                            unsigned int at) {
    bool holds = fake_leftovers(harness->fake) <= 1 && (!error || error->message[0]);
    note(harness, error, at, holds);
    CHECK(holds);
}

TEST(trips, ctrl_c_at_any_callback_of_a_trace) {
    for_every_callback("trace f", FAKE_CTRL_C, 1, check_interrupted);
}

TEST(trips, ctrl_c_at_any_callback_of_a_profile) {
    for_every_callback("profile f", FAKE_CTRL_C, 1, check_interrupted);
}

TEST(trips, ctrl_c_at_any_callback_of_status) {
    for_every_callback("status", FAKE_CTRL_C, 0, check_clean);
}

/* The callback has done its work, and its answer is lost. A page whose address was lost stays. */
TEST(trips, a_late_ctrl_c_leaves_no_run_behind) {
    for_every_callback("trace f", FAKE_LATE_CTRL_C, 1, check_one_error);
}

TEST(trips, a_refusal_at_any_callback) {
    for_every_callback("trace f", FAKE_REFUSAL, 1, check_one_error);
}

TEST(trips, a_fault_at_any_callback) {
    for_every_callback("profile f", FAKE_FAULT, 0, check_one_error);
}

/* An error, or an answer that happened not to matter; never a crash or a hang. */
static void check_survived(const struct harness *harness, const struct bs_error *error,
                           unsigned int at) {
    bool holds = !error || error->message[0];
    note(harness, error, at, holds);
    CHECK(holds);
}

TEST(trips, a_lie_at_any_callback) {
    for_every_callback("profile --timeout 0.01 f", FAKE_LIE, 0, check_survived);
}

TEST(trips, ctrl_c_while_the_clone_runs_stops_it) {
    _cleanup_harness_ struct harness harness = harness_python();
    CHECK_OK(harness_run(&harness, "trace f")); /* the agent is there now */
    harness.fake->run = (struct fake_run){.stuck = true, .obeys = true};
    CHECK_ERROR(run_tripped(&harness, "trace f", FAKE_CTRL_C, harness.fake->calls + 400),
                BS_ERROR_INTERRUPTED, "interrupted");
    CHECK_EQ(fake_leftovers(harness.fake), 0);
    CHECK(harness.fake->progress_drawn);
    CHECK_EQ(harness.fake->finishes, 2);
}

/* Behind a stub nothing can be killed: the command ends all the same. */
TEST(trips, a_clone_that_does_not_obey_holds_nobody_up) {
    _cleanup_harness_ struct harness harness = harness_python();
    CHECK_OK(harness_run(&harness, "trace f"));
    harness.fake->run = (struct fake_run){.stuck = true};
    CHECK_ERROR(run_tripped(&harness, "trace f", FAKE_CTRL_C, harness.fake->calls + 400),
                BS_ERROR_INTERRUPTED, "interrupted");
    CHECK_EQ(fake_leftovers(harness.fake), 0);
}
