/* The order of runs while refining: kinds, trials in rotation, and which runs count. */
#include "agent/probe/pattern.h"
#include "agent/probe/turns.h"
#include "check.h"

#define TICKS 1000

/* Run the turn at hand to its end, all runs alike; returns how many counted. */
static uint32_t run_turn(struct bs_turns *turns) {
    uint32_t counted = 0;
    while (!bs_turns_is_over(turns))
        counted += bs_turns_take(turns, TICKS);
    bs_turns_next(turns);
    return counted;
}

TEST(turns, every_trial_comes_between_turns_without_the_probe) {
    struct bs_turns turns;
    unsigned int seen[BS_TURNS_TRIALS] = {}, bare = 0, full = 0, patterned = 0;
    bs_turns_init(&turns, 100, 1);
    for (unsigned int trials = 0; trials < 2 * BS_TURNS_TRIALS;) {
        enum bs_run_kind kind = bs_turns_kind(&turns);
        if (kind == BS_RUN_TRIAL) {
            trials++;
            seen[bs_turns_trial(&turns)]++;
        }
        bare += kind == BS_RUN_BARE;
        full += kind == BS_RUN_FULL;
        if (kind == BS_RUN_PATTERN)
            CHECK_EQ(bs_turns_phase(&turns), patterned++ % BS_PATTERN_PHASES);
        CHECK(run_turn(&turns) > 0);
    }
    for (size_t i = 0; i < BS_TURNS_TRIALS; i++)
        CHECK_EQ(seen[i], 2);
    CHECK(bare > 2);
    CHECK_EQ(bare, full);
    CHECK_EQ(bare, patterned);
    CHECK_EQ(bs_turns_kind(&turns), BS_RUN_BARE);
}

TEST(turns, the_first_runs_of_a_turn_only_teach) {
    struct bs_turns turns;
    bs_turns_init(&turns, 100, 1);
    CHECK(!bs_turns_take(&turns, TICKS));
    CHECK_EQ(run_turn(&turns), turns.end - turns.idle);
    CHECK(!bs_turns_take(&turns, TICKS));
}

TEST(turns, a_run_that_was_disturbed_does_not_count) {
    struct bs_turns turns;
    bs_turns_init(&turns, 100, 1);
    while (turns.run < turns.idle)
        CHECK(!bs_turns_take(&turns, TICKS));
    CHECK(bs_turns_take(&turns, TICKS + TICKS / 50));
    CHECK(!bs_turns_take(&turns, 2 * TICKS));
    CHECK(bs_turns_take(&turns, TICKS / 2));
    CHECK(!bs_turns_take(&turns, TICKS));
}

TEST(turns, long_calls_have_fewer_runs_and_there_is_an_end) {
    struct bs_turns brief, turns;
    bs_turns_init(&brief, 100, 1);
    bs_turns_init(&turns, 1000000, 1);
    CHECK(turns.end < brief.end);
    CHECK(turns.end - turns.idle >= 2);
    bs_turns_init(&turns, 0, 1);
    CHECK(turns.end > turns.idle);
    unsigned int count = 0;
    for (; bs_turns_kind(&turns) != BS_RUN_NONE && count < 10000000; count++)
        bs_turns_next(&turns);
    CHECK_EQ(bs_turns_kind(&turns), BS_RUN_NONE);
}
