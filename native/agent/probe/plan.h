/*
 * Plans: which dispatches of a reference run get a stamp while the others run as if there were no
 * probe. A stamp at every dispatch costs more time than a short instruction takes, and hides it:
 * the processor does the work of the one beside that of the other. Stamps that are some
 * instructions apart hide nearly nothing.
 *
 * A plan picks opcodes, at random. Only they get stubs; the table entries of the others stay as
 * they are. Where an opcode is too frequent some of its dispatches are passed by. Whether they are
 * depends on nothing but the instruction, so that it is the same in each run and in each turn of a
 * loop: the processor's branch prediction learns it and goes on predicting as it would without us.
 *
 * In a loop of few instructions that leaves one stamp a turn, and all intervals would be whole
 * turns, which tell nothing of what is in them. There every other plan has two or three a turn.
 */
#ifndef BS_AGENT_PROBE_PLAN_H
#define BS_AGENT_PROBE_PLAN_H

#include "agent/probe/reference.h"

/* Dispatches for one stamp, on the average. Measured: from 5 to 10 the results are the same. */
#define BS_PLAN_SPACING 6
#define BS_PLAN_DENSE   2.5 /* where a loop is shorter than two of these intervals */

struct bs_plan {
    bool patched[BS_TABLE_ENTRIES]; /* opcodes that have stubs */
    uint32_t *visits;               /* the dispatches of these opcodes: indices of the reference */
    bool *stamped;                  /* for each visit */
    size_t visit_count, stamp_count;
};

/* Whether @p reference is a loop of so few instructions; false where there is no memory. */
bool bs_plan_is_tight(const struct bs_reference *reference);

/*
 * False: no memory. @p tight is what bs_plan_is_tight() says, @p random the state of bs_random().
 */
bool bs_plan_make(const struct bs_reference *reference, bool tight, uint64_t *random,
                  struct bs_plan *ret);
void bs_plan_deinit(struct bs_plan *plan);

#endif
