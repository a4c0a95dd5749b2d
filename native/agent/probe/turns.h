/*
 * The order of the runs of a refinement (refine.h): turns of runs of one kind, in blocks of turns.
 * A block is a turn without the probe, one with every dispatch stamped, one as repeats are, and one
 * each of some of the trials; the trials take their blocks in rotation.
 *
 *     init ── (kind ── one run ── take ── next, if the turn is over)*
 *
 * The first runs of a turn only teach the branch prediction; of the others those that took longer
 * than they must do not count. Pure: no Python, no memory.
 */
#ifndef BS_AGENT_PROBE_TURNS_H
#define BS_AGENT_PROBE_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BS_TURNS_TRIALS 64

/* What a run is to be. */
enum bs_run_kind {
    BS_RUN_NONE,    /* enough */
    BS_RUN_BARE,    /* without the probe: to be timed as a whole */
    BS_RUN_FULL,    /* every dispatch stamped, for the reference */
    BS_RUN_PATTERN, /* as a repeat (pattern.h): to be timed as a whole */
    BS_RUN_TRIAL,   /* by a plan */
};

struct bs_turns {
    double step_ticks;       /* of the clock */
    size_t turn;             /* in the sequence of blocks */
    uint32_t run, idle, end; /* of this turn: runs so far; that only teach; in all */
    uint64_t fastest_ticks;  /* of them */
};

/* For runs of so many @p dispatches each. */
void bs_turns_init(struct bs_turns *turns, uint64_t dispatches, double step_ticks);

enum bs_run_kind bs_turns_kind(const struct bs_turns *turns);
/* For BS_RUN_PATTERN: its phase, which changes from block to block. */
size_t bs_turns_phase(const struct bs_turns *turns);
/* For BS_RUN_TRIAL: which, from 0. */
size_t bs_turns_trial(const struct bs_turns *turns);

/* A run took @p ticks; whether it counts. */
bool bs_turns_take(struct bs_turns *turns, uint64_t ticks);
bool bs_turns_is_over(const struct bs_turns *turns);
void bs_turns_next(struct bs_turns *turns);

#endif
