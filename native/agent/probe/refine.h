/*
 * The refinement: after the repeats, more runs of CALL with a stamp at every dispatch and under
 * plans (plan.h), and a fit (fit.h) that tells from them what the probe costs at each dispatch.
 *
 *     init ── (next ── one run ── take)* ── solve ── estimates ── deinit
 *
 * How long runs without the probe take, before a block of runs (turns.h) and after it, tells how
 * fast the machine was meanwhile. Results are made of blocks of the same fast moments only: all of
 * them, that of the whole run without the probe too, which the times of its dispatches add up to.
 * Pure: no Python.
 */
#ifndef BS_AGENT_PROBE_REFINE_H
#define BS_AGENT_PROBE_REFINE_H

#include "agent/probe/aftermath.h"
#include "agent/probe/trial.h"
#include "agent/probe/turns.h"

struct bs_refine {
    struct bs_reference *reference;
    double step_ticks; /* of the clock as it shows in a mean over the runs of a turn */
    struct bs_trial *trials;
    size_t trial_count;
    struct bs_turns turns; /* which run is next */
    struct bs_bare {
        double ticks;
        uint32_t runs;
    } before, now;               /* runs without the probe: the turn before this block, and after */
    struct bs_fastest bare;      /* how long a whole run takes: one value for each block */
    struct bs_fastest patterned; /* the same of one as repeats are, one value for each run */
    struct bs_fastest ends; /* of a full run: until its first dispatch, and from its last one on */
    bool is_whole;          /* the reference is of the whole run */
    int limit;              /* class of the slowest moments that results are from */
    /*
     * Of each stretch of a run: 0 is what comes before the first dispatch, i + 1 is dispatch i,
     * the last of them until the end of the run.
     */
    double *full_ticks;          /* with every dispatch stamped; owned */
    uint32_t *groups;            /* owned */
    double *charged_ticks;       /* of each dispatch, beyond what a stamp after it says; owned */
    double *charged_error_ticks; /* of that; owned */
    uint8_t *opcodes;            /* of each group; owned */
    size_t group_count;
    bool solved;
    struct bs_fit fit;
    struct bs_aftermath aftermath;
    double opcode_cost_ticks[BS_TABLE_ENTRIES]; /* mean of all dispatches in the reference */
};

/*
 * Plan for the path of @p reference; a run has @p dispatches in all. False: no memory, or too
 * little to fit.
 */
bool bs_refine_init(struct bs_refine *refine, struct bs_reference *reference, uint64_t dispatches,
                    double step_ticks);
void bs_refine_deinit(struct bs_refine *refine);

/* What the next run is to be, and whether it is something else than before. */
enum bs_run_kind bs_refine_next(struct bs_refine *refine, bool *ret_new);
/* For BS_RUN_TRIAL. */
const struct bs_plan *bs_refine_plan(const struct bs_refine *refine);
/* For BS_RUN_PATTERN. */
size_t bs_refine_phase(const struct bs_refine *refine);
/* The run is over: @p count records, whatever was recorded of it. */
void bs_refine_take(struct bs_refine *refine, struct bs_record *records, size_t count,
                    uint64_t start_ticks, uint64_t end_ticks);

/* Whether nearly everything has had enough fast moments: more runs would tell little. */
bool bs_refine_settled(const struct bs_refine *refine);

/* Fit what has been taken; a stamp at a NOP costs @p nop_ticks. False: it is not enough. */
bool bs_refine_solve(struct bs_refine *refine, double nop_ticks);

/*
 * Ticks of a run without the probe and of one as repeats are, and what passes without it before the
 * first dispatch; 0: not known.
 */
double bs_refine_bare(const struct bs_refine *refine);
double bs_refine_patterned(const struct bs_refine *refine);
double bs_refine_entry(const struct bs_refine *refine);

/*
 * What is to be taken off the full time of one dispatch: what the probe adds to it, less what it is
 * charged of others' time (aftermath.h). And the standard error of that.
 */
struct bs_cost {
    double ticks, error_ticks;
};
/* Of dispatch @p index of the reference; of the last only where it is of the whole run. */
struct bs_cost bs_refine_cost(const struct bs_refine *refine, size_t index);
/* Of any dispatch of @p opcode: a mean, or for an opcode that is not there that of all. */
struct bs_cost bs_refine_opcode_cost(const struct bs_refine *refine, uint8_t opcode);

#endif
