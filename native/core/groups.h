/*
 * The executions of a trace put into groups, and the figures of each group: what summaries print.
 * A group is an opcode, a source line of a code object, or a code object.
 */
#ifndef BS_CORE_GROUPS_H
#define BS_CORE_GROUPS_H

#include "core/summary.h"

struct bs_group {
    uint32_t code;           /* LINE, FUNCTION */
    uint32_t line;           /* LINE; BS_NO_LINE: code without one */
    uint8_t opcode;          /* OPCODE, FAMILY */
    double count;            /* executions of opcodes */
    double entered;          /* LINE: times it began; FUNCTION: times it was called or resumed */
    double total_ns;         /* of all executions */
    double inclusive_ns;     /* FUNCTION: with what it called; recursion counts once */
    float min_ns, median_ns; /* of one execution */
};

struct bs_groups {
    struct bs_group *items; /* those that ran, sorted as bs_summary_key says */
    size_t count;
    struct bs_group sum; /* of all of them */
    struct bs_timing timing;
    bool whole; /* false: not every event was recorded, and `entered` and `inclusive_ns` are too
                   small; the rest is of all that ran */
};

/* Group the events from number @p first to before @p end, counted from 0. */
struct bs_error *bs_groups_init(const struct bs_trace *trace, enum bs_summary_key key,
                                enum bs_statistic statistic, size_t first, size_t end,
                                struct bs_groups *ret);
void bs_groups_deinit(struct bs_groups *groups);
#define _cleanup_groups_ _cleanup_(bs_groups_deinit)

#endif
