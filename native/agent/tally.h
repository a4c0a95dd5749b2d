/*
 * Times per instruction: all executions of one instruction in one place, found by hash. Used for
 * what cannot be told apart execution by execution.
 */
#ifndef BS_AGENT_TALLY_H
#define BS_AGENT_TALLY_H

#include "agent/steps.h"

/* Values kept of each instruction for its median: a fair sample of all its executions. */
#define INSTRUCTION_KEPT_MAX 63

struct tally {
    uint64_t where : 56;
    uint64_t opcode : 8;        /* of the latest execution */
    uint8_t other_opcode;       /* of earlier ones, where it was another */
    uint64_t executions, timed; /* timed: those that have a time, of which are the ticks */
    uint64_t min_ticks;
    double sum_ticks;
};

struct instruction {
    struct tally tally;
    uint64_t kept_of; /* values seen, of which kept_count are kept */
    uint32_t kept_count;
    float kept[INSTRUCTION_KEPT_MAX];
};

struct tallies {
    struct instruction *items;
    size_t count, capacity;
    uint32_t *slots; /* open addressing: index + 1 into items, 0: free */
    size_t mask;
    uint64_t random; /* state of the choice of what is kept */
};

bool bs_tallies_init(struct tallies *tallies);
void bs_tallies_deinit(struct tallies *tallies);

/* One execution more. Dropped when there is no memory. */
void bs_tallies_add(struct tallies *tallies, const struct sample *sample);

/* Add all of @p part, of which the @p count values at @p kept are known one by one. */
void bs_tallies_merge(struct tallies *tallies, const struct tally *part, const float *kept,
                      size_t count);

#endif
