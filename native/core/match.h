/*
 * Matching what ran with what was traced. Both are sequences of instructions of one call, told by
 * code and offset, but they are not the same: a superinstruction runs once for two events, and
 * EXTENDED_ARG, RESUME and their like run without an event. So they are matched by instruction and
 * not by count, and a stretch that does not match is passed over on both sides.
 */
#ifndef BS_CORE_MATCH_H
#define BS_CORE_MATCH_H

#include "core/trace.h"

#define BS_PLACE_NO_CODE UINT32_MAX /* an instruction of none of the trace's code objects */

/* An instruction that ran. `offset_units` is good for `code`: bs_instruction_at() is not NULL. */
struct bs_place {
    uint32_t code, offset_units;
};

/*
 * One number for each instruction of the trace; an EXTENDED_ARG, of up to three in a row, has that
 * of what it extends. On 3.10 code objects with the same bytecode share it, and an address in it
 * does not tell which of them ran: there they share their numbers.
 */
struct bs_numbering {
    const struct bs_trace *trace;
    uint32_t *code_base; /* number of the first instruction of each code */
    uint32_t count;
    const struct bs_opcodes *opcodes; /* NULL when there is no code */
    int return_generator;             /* its opcode; -1: this Python has none */
};

struct bs_error *bs_numbering_init(const struct bs_trace *trace, struct bs_numbering *numbering);
void bs_numbering_deinit(struct bs_numbering *numbering);

#define BS_PLACE_NO_ID UINT32_MAX

/* BS_PLACE_NO_ID for BS_PLACE_NO_CODE only. */
uint32_t bs_place_id(const struct bs_numbering *numbering, struct bs_place place);
/* Whether the place is a prefix of the instruction whose number it has. */
bool bs_place_is_prefix(const struct bs_numbering *numbering, struct bs_place place);

/*
 * Match @p count places with the opcode events before event number @p event_count. Those of event
 * i are from ret_first[i] up to ret_first[i + 1]. What ran between two events counts for the second
 * of them, but what made a generator or coroutine (RETURN_GENERATOR, in a frame that has no event)
 * for the first, which is the call. From ret_first[event_count] on, which there must be room for,
 * places belong to no event.
 */
struct bs_error *bs_match(const struct bs_numbering *numbering, const struct bs_place *places,
                          size_t count, size_t event_count, uint32_t *ret_first);

#endif
