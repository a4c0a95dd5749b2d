/*
 * String instructions in one go. Stepped, one traps at each of its rounds, and to copy an array
 * takes a million. So the stepped code is sent, unstepped, to the same instruction in a place of
 * ours, behind which a breakpoint waits.
 */
#ifndef BS_AGENT_WALK_REPEAT_H
#define BS_AGENT_WALK_REPEAT_H

#include <stdbool.h>
#include <stdint.h>

/* What is under way: the instruction of the stepped code, and ours. All 0: nothing. */
struct repeat {
    uint64_t their_addr, our_addr;
    uint64_t length_bytes; /* of either; behind ours stands the breakpoint */
};

/* Whether there is an instruction of ours for that at @p code. Reads no byte past it. */
bool bs_repeat_find(const uint8_t *code, struct repeat *ret);

#endif
