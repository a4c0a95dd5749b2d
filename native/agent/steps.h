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
    uint64_t opcode : 8; /* what was dispatched; 0: what the bytecode says */
    uint64_t ticks;      /* of clock.h, the engine's own cost included; or SAMPLE_UNTIMED */
};
#define SAMPLE_UNTIMED UINT64_MAX /* it was executed; how long that took is not known */

struct steps;

/*
 * For at most @p capacity steps in sequence, over about @p repeats repeats. NULL: no memory.
 * Memory is taken when a repeat begins or ends and while folding per instruction, never between.
 */
struct steps *bs_steps_create(size_t capacity, uint32_t repeats);
void bs_steps_destroy(struct steps *steps);

/* One repeat: begin, then what the engine takes, then end. */
void bs_steps_begin(struct steps *steps);
void bs_steps_take(struct steps *steps, const struct sample *samples, size_t count);
void bs_steps_end(struct steps *steps);

/* Fold everything from step @p at on per instruction; at most as many stay in sequence. */
void bs_steps_split(struct steps *steps, size_t at);

/* What one step, or one instruction, came to. */
struct step {
    uint64_t where : 56;
    uint64_t opcode : 8;
    uint8_t other_opcode; /* another form in some repeats; 0: none */
    uint64_t executions;  /* that went into it, over all repeats */
    uint64_t timed;       /* those of them that have a time; 0: the next three are 0 */
    double min_ticks, median_ticks, mean_ticks;
    double cost_ticks, error_ticks; /* as in bs_step; 0: not known. See engine.h, correct */
};

uint32_t bs_steps_repeats(const struct steps *steps);
/* A repeat took another path than the first. */
bool bs_steps_diverged(const struct steps *steps);
/* How many steps are in sequence, and how many instructions were folded apart from them. */
size_t bs_steps_ordered(const struct steps *steps);
size_t bs_steps_instructions(const struct steps *steps);
/* `where` of step number @p index. */
uint64_t bs_steps_where(const struct steps *steps, size_t index);
/* Of step or instruction number @p index; instructions are in no order. */
void bs_steps_step(const struct steps *steps, size_t index, struct step *ret);
void bs_steps_instruction(const struct steps *steps, size_t index, struct step *ret);

#endif
