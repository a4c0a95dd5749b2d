#include "agent/probe/turns.h"

#include "agent/probe/pattern.h"

/* A block: a turn without the probe, a full one, one by the pattern, and of so many trials one. */
#define TRIALS_IN_BLOCK 16
#define FIRST_TRIAL     3
#define BLOCK           (FIRST_TRIAL + TRIALS_IN_BLOCK)
#define BLOCKS_MAX      40000

/*
 * Runs of one plan in a row: those that teach, and those that count. Measured: a path of a thousand
 * dispatches takes twenty runs or more until it gets no faster, and to each of these come the runs
 * before it (agent/timed.h). Long ones never get there.
 */
#define TEACHING_RUNS       10
#define TEACHING_DISPATCHES 25000
#define COUNTING_RUNS       40
#define COUNTING_DISPATCHES 10000

/* A run that is so much slower than the fastest of its turn was disturbed. */
#define DISTURBED_PART 0.05

/* As many runs as make @p enough dispatches, from @p least to @p most. */
static uint32_t runs_of(uint64_t enough, uint64_t dispatches, uint32_t least, uint32_t most) {
    uint64_t runs = dispatches ? enough / dispatches : most;
    return runs < least ? least : runs > most ? most : (uint32_t)runs;
}

void bs_turns_init(struct bs_turns *turns, uint64_t dispatches, double step_ticks) {
    const uint32_t idle = runs_of(TEACHING_DISPATCHES, dispatches, 1, TEACHING_RUNS);
    const uint32_t counting = runs_of(COUNTING_DISPATCHES, dispatches, 2, COUNTING_RUNS);
    *turns = (struct bs_turns){.step_ticks = step_ticks,
                               .idle = idle,
                               .end = idle + counting,
                               .fastest_ticks = UINT64_MAX};
}

enum bs_run_kind bs_turns_kind(const struct bs_turns *turns) {
    if (turns->turn / BLOCK == BLOCKS_MAX)
        return BS_RUN_NONE;
    switch (turns->turn % BLOCK) {
    case 0:
        return BS_RUN_BARE;
    case 1:
        return BS_RUN_FULL;
    case 2:
        return BS_RUN_PATTERN;
    default:
        return BS_RUN_TRIAL;
    }
}

size_t bs_turns_phase(const struct bs_turns *turns) {
    return turns->turn / BLOCK % BS_PATTERN_PHASES;
}

size_t bs_turns_trial(const struct bs_turns *turns) {
    const size_t blocks = BS_TURNS_TRIALS / TRIALS_IN_BLOCK;
    return turns->turn / BLOCK % blocks * TRIALS_IN_BLOCK + turns->turn % BLOCK - FIRST_TRIAL;
}

bool bs_turns_take(struct bs_turns *turns, uint64_t ticks) {
    if (ticks < turns->fastest_ticks)
        turns->fastest_ticks = ticks;
    return turns->run++ >= turns->idle &&
           (double)ticks <=
               (double)turns->fastest_ticks * (1 + DISTURBED_PART) + 2 * turns->step_ticks;
}

bool bs_turns_is_over(const struct bs_turns *turns) {
    return turns->run == turns->end;
}

void bs_turns_next(struct bs_turns *turns) {
    turns->run = 0;
    turns->fastest_ticks = UINT64_MAX;
    turns->turn++;
}
