/*
 * Places: the address of an instruction, and the code object and offset that it stands for. Up to
 * 3.10 the interpreter runs the bytes of the code object's bytes object; from 3.11 on it runs a
 * copy inside the code object. Which, and where in it, is learnt from a known function.
 */
#ifndef BS_AGENT_PROBE_PLACES_H
#define BS_AGENT_PROBE_PLACES_H

#include "agent/codes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bs_place_range {
    uintptr_t start_addr, end_addr; /* end exclusive */
    uint32_t code;
};

struct bs_places {
    bool in_code;        /* else in its bytes object */
    intptr_t code_bytes; /* from the code object to its first instruction */
    struct bs_place_range *ranges;
    size_t count;
    uint32_t built_for; /* code objects that were known when `ranges` was made */
};

/*
 * The first instruction of @p code that was dispatched was at @p addr; @p units is the data of its
 * co_code, @p unit_count long. False: that cannot be.
 */
bool bs_places_learn(struct bs_places *places, const PyObject *code, const unsigned char *units,
                     size_t unit_count, uintptr_t addr);
void bs_places_deinit(struct bs_places *places);

/* Address of the first instruction of @p code. */
uintptr_t bs_places_start(const struct bs_places *places, const PyObject *code,
                          const unsigned char *units);

/* The code number and instruction at @p addr; false when none of @p codes contains it. */
bool bs_places_find(struct bs_places *places, const struct codes *codes, uintptr_t addr,
                    uint32_t *ret_code, uint32_t *ret_offset_units);

#endif
