/*
 * One instruction as one line of text, in the grammar that dis and its readers know:
 *
 *     line  -->  >>  offset  opname               arg (argument text)
 *
 * The line number and the argument stand where they are known, `-->` at the current instruction,
 * `>>` at jump targets, or the label by which jumps call them. Columns are rows of a table in
 * row.c.
 */
#ifndef BS_CORE_ROW_H
#define BS_CORE_ROW_H

#include "core/decode.h"

struct bs_row {
    const struct bs_instructions *instructions;
    const struct bs_instruction *instruction;
    uint8_t opcode; /* whose name is shown: the base form, or the one that ran */
    bool current;   /* `-->` */
    bool labels;    /* L<n> in place of `>>`, where the code has labels (3.13) */
};

/* Append @p row with its styles, without indentation and end of line. */
void bs_row_render(const struct bs_row *row, struct bs_buffer *buffer);

/* The line number that a row shows, or BS_NO_LINE; up to 3.12 only where a line starts. */
uint32_t bs_row_line(const struct bs_row *row);

#endif
