/*
 * Steps: what the engine measured, folded over the repeats as it comes in.
 *
 * The first repeat fixes the sequence: its n-th sample is step n, and the n-th sample of each later
 * repeat is folded into it. Where a repeat takes another path (its n-th sample is at another place)
 * everything from there on is folded per instruction instead, over all executions and repeats; so
 * are runs that are longer than the steps there is room for. Memory is bounded whatever comes.
 */
#ifndef BS_AGENT_STEPS_H
#define BS_AGENT_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One executed instruction as an engine notes it. */
struct sample {
    uint64_t where : 56; /* the engine's own name for the instruction: an address, a number */
    uint64_t opcode : 8; /* what was dispatched */
    uint64_t ticks;      /* of clock.h, the engine's own cost included */
};

struct steps;

/*
 * For at most @p capacity steps in sequence, over about @p repeats repeats. NULL: no memory.
 * Allocates nothing later on except while it folds per instruction.
 */
struct steps *bs_steps_create(size_t capacity, uint32_t repeats);
void bs_steps_destroy(struct steps *steps);

/* One repeat: begin, then what the engine takes, then end. */
void bs_steps_begin(struct steps *steps);
void bs_steps_take(struct steps *steps, const struct sample *samples, size_t count);
void bs_steps_end(struct steps *steps);

#endif
