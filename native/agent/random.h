/* Random numbers that are the same on every run: Marsaglia's xorshift64*. */
#ifndef BS_AGENT_RANDOM_H
#define BS_AGENT_RANDOM_H

#include <stdint.h>

/* The next number; @p state is not 0. */
static inline uint64_t bs_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1dull;
}

/* The next number from 0 to 1, without 1. */
static inline double bs_random_part(uint64_t *state) {
    return (double)(bs_random(state) >> 11) * 0x1p-53;
}

#endif
