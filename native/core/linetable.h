/*
 * Line tables (co_linetable) as a sequence of ranges, in order of code units.
 *
 * The table is untrusted: the walk ends at the first entry that is cut off or contradicts itself,
 * so that what comes after has no line.
 */
#ifndef BS_CORE_LINETABLE_H
#define BS_CORE_LINETABLE_H

#include "core/code.h"
#include "core/opcodes.h"

#include <stdbool.h>

struct bs_line_range {
    uint32_t start_units, end_units; /* end exclusive, never empty */
    uint32_t line;                   /* BS_NO_LINE (core/decode.h) for code without a line */
};

struct bs_linetable {
    enum bs_line_format format;
    const unsigned char *at;
    size_t left;  /* bytes of the table from at on */
    int64_t line; /* that deltas have added up to */
    uint64_t offset_bytes;
    struct bs_line_range ahead; /* read but not given out yet: it may go on */
    bool has_ahead;
};

/* Walk @p table, which is borrowed, of a code object that starts at @p first_line. */
void bs_linetable_init(struct bs_linetable *walk, enum bs_line_format format, struct bs_text table,
                       uint32_t first_line);

/* The next range, neighbours of the same line merged as co_lines() does; false at the end. */
bool bs_linetable_next(struct bs_linetable *walk, struct bs_line_range *ret);

#endif
