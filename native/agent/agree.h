/*
 * How far the steps of the repeats and the events of the trace pass are of one path. Pure.
 *
 * Both are sequences of instructions, but not quite the same: a superinstruction is one step for
 * two events, and some instructions that are dispatched have no event. Those are single ones, on
 * one side. A stretch that is passed over on both sides is another path.
 */
#ifndef BS_AGENT_AGREE_H
#define BS_AGENT_AGREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The instructions of one side: the same number for the same one, whichever side it is on. */
struct bs_path {
    const uint64_t *places;
    size_t count;
};

/*
 * Whether the two part, and where: the numbers of the first step and event of the stretch. Where
 * they do not: the numbers after the last of those that are the same. @p exact: there is an event
 * for each step, and the other way round.
 */
bool bs_paths_part(const struct bs_path *steps, const struct bs_path *events, bool exact,
                   size_t *ret_step, size_t *ret_event);

#endif
