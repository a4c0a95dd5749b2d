/*
 * What is known in the end of the cost and the time of each step, from the reference and its
 * refinement. Three sources, best first: the very dispatches, where the step lies in the reference;
 * the same instruction elsewhere in it; all dispatches of the opcode. Pure: no Python.
 */
#ifndef BS_AGENT_PROBE_CORRECT_H
#define BS_AGENT_PROBE_CORRECT_H

#include "agent/probe/refine.h"
#include "agent/probe/stream.h"

/* What one step takes with a stamp at every dispatch, and its cost; or the mean cost of several. */
struct bs_correction {
    uint64_t where;
    double full_ticks; /* of one step; else 0 */
    double cost_ticks, error_ticks;
};

/* What the repeats tell. */
struct bs_repeated {
    double cost_ticks;      /* of an instruction that has a time, on the average; 0: not known */
    double full_cost_ticks; /* the same where each has a stamp */
    double entry_ticks;  /* of a fast run, what passes before its first dispatch, without a stamp */
    double fastest_part; /* the fastest run as a part of the mean */
    double fast_part;    /* one that the clock may not tell from it, longer by a step */
};

struct bs_corrections {
    struct bs_correction *steps; /* those that lie in the reference, in order; owned */
    size_t step_count;
    struct bs_correction *places; /* of each instruction once, by `where`; owned */
    size_t place_count;
    double opcode_cost_ticks[BS_TABLE_ENTRIES];
    double error_ticks; /* of those */
    double shift_ticks; /* to the costs of what is not in the reference */
    double entry_ticks; /* what passes before the first step, and is in its time */
    double fastest_part, fast_part;
};

/*
 * @p refine need not be solved: every dispatch then costs what it did in the repeats. Where there
 * is no memory, or no reference, nothing is known but opcodes.
 */
void bs_corrections_make(struct bs_corrections *ret, const struct bs_reference *reference,
                         const struct bs_refine *refine, const struct bs_stream *stream,
                         const struct bs_repeated *repeated);
void bs_corrections_deinit(struct bs_corrections *corrections);

/*
 * Put cost, error and minimum into @p step, number @p index in sequence, or ENGINE_NO_INDEX. The
 * minimum is what it takes in the fastest repeats: of a single difference of stamps, the smallest
 * of many is a property of the clock. Median and mean lie above it by as much as above what the
 * fast ones of the same repeats say.
 */
void bs_correct(const struct bs_corrections *corrections, size_t index, struct step *step);

#endif
