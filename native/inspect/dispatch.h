/*
 * The evaluator's machine code: candidates for its dispatch table, and which addresses are in it.
 *
 * The interpreter jumps from one instruction to the next through a table of 256 code addresses
 * (computed gotos; from 3.14 on, in some builds, one function per instruction and tail calls).
 * There is no symbol for it. A candidate is 256 consecutive pointers into executable memory of the
 * module that holds _PyEval_EvalFrameDefault, anywhere in the module (.rodata, .data.rel.ro; in
 * .data in Debian's 3.15; beside the code where the linker does not separate them, or BOLT has
 * moved it, which leaves the first one where it was), such that all opcodes without a name lead to
 * one place and nearly every other one to a place of its own. The agent verifies a candidate by
 * running it.
 */
#ifndef BS_INSPECT_DISPATCH_H
#define BS_INSPECT_DISPATCH_H

#include "format/request.h"
#include "inspect/interpreter.h"

/*
 * Find the candidates, those with most distinct handlers first: at most BS_TABLE_CANDIDATES_MAX
 * into @p ret_items. Of two that stand side by side (3.15) the one for tracing, which has one
 * handler for all, so comes second. None is a success with count 0. Reads some megabytes: keep the
 * answer for as long as the module stays loaded.
 */
struct bs_error *bs_dispatch_find(const struct bs_interpreter *python,
                                  struct bs_table_candidate ret_items[BS_TABLE_CANDIDATES_MAX],
                                  size_t *ret_count);

struct bs_address_range {
    uint64_t start_addr, end_addr; /* end exclusive */
};

/* Which code addresses are the evaluator's: its function, its cold parts, its handlers. */
struct bs_evaluator {
    struct bs_address_range *ranges; /* sorted, disjoint */
    size_t count;
    bool tail_calls; /* one function per instruction */
};

struct bs_error *bs_evaluator_find(const struct bs_interpreter *python, struct bs_evaluator *ret);
void bs_evaluator_deinit(struct bs_evaluator *evaluator);
#define _cleanup_evaluator_ _cleanup_(bs_evaluator_deinit)
bool bs_evaluator_contains(const struct bs_evaluator *evaluator, uint64_t pc_addr);

#endif
