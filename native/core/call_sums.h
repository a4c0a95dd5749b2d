/* C functions summed over a trace: how often each was called, and how much it executed. */
#ifndef BS_CORE_CALL_SUMS_H
#define BS_CORE_CALL_SUMS_H

#include "core/call_rows.h"

struct bs_call_sum {
    struct bs_text name, file;
    uint32_t line;
    uint64_t calls;
    uint64_t instructions; /* its own */
    uint64_t total;  /* with what it called in C; recursion counts once, Python called back does not
                        count */
    uint32_t active; /* how many times it is open while rows are added */
};

struct bs_call_sums {
    struct bs_call_sum *items; /* most own instructions first, then most total, then by name */
    size_t count;
    uint64_t instructions; /* of all together */
};

/*
 * Sum over the events from number @p first to before @p end, counted from 0. When that is all of
 * them, what ran outside of opcodes and what belongs to no event is part of it too. Functions of
 * one name in one file are one. Inlined functions are none: what they execute is counted with the
 * function around them.
 */
struct bs_error *bs_call_sums_init(const struct bs_trace *trace, size_t first, size_t end,
                                   struct bs_call_sums *ret);
void bs_call_sums_deinit(struct bs_call_sums *sums);
#define _cleanup_call_sums_ _cleanup_(bs_call_sums_deinit)

/* Append them as a table; nothing where nothing was walked. */
struct bs_error *bs_call_sums_render(const struct bs_trace *trace, size_t first, size_t end,
                                     struct bs_buffer *buffer);

#endif
