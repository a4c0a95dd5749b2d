/*
 * What a reader of a profile should know, where it holds: one sentence each.
 *
 *     struct bs_notes notes;
 *     bs_notes_init(trace, BS_NOTES_OF_TIMES | BS_NOTES_OF_CALLS, &notes);
 *     while (bs_notes_next(&notes))
 *         bs_notes_print(&notes, buffer);
 */
#ifndef BS_CORE_NOTES_H
#define BS_CORE_NOTES_H

#include "core/trace.h"

enum bs_notes_of {
    BS_NOTES_OF_TIMES = 1,
    BS_NOTES_OF_CALLS = 2, /* why opcodes have no C functions */
};

/* Opcodes of which something holds. */
struct bs_found {
    size_t first; /* event; with count 0 there is none */
    uint64_t count;
};

struct bs_notes {
    const struct bs_trace *trace; /* borrowed */
    unsigned int of;              /* of enum bs_notes_of */
    struct bs_found reformed;     /* ran in several forms */
    struct bs_found compiled;     /* entered machine code that was made of opcodes */
    struct bs_found past_table;   /* Python came to them past its table */
    struct bs_found untimed;      /* no repeat timed them, for whatever reason */
    unsigned int next;
};

/* For those of times, looks at every event of @p trace. @p of: of enum bs_notes_of. */
void bs_notes_init(const struct bs_trace *trace, unsigned int of, struct bs_notes *ret);

/* Go to the next note that holds, at first to the first one. False: there is none. */
bool bs_notes_next(struct bs_notes *notes);

/* Append its text, one sentence without its end, to @p buffer. */
void bs_notes_print(const struct bs_notes *notes, struct bs_buffer *buffer);

#endif
