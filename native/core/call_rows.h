/*
 * The C functions of one opcode as rows: the records of its trees, with two differences. Functions
 * that were inlined stand between a function and what it called, where symbols know them; their own
 * instructions are counted with the function that they are inlined into. And a jump that did not
 * lead into another function, as far as symbols tell, is no row: its instructions are those of the
 * function above it.
 */
#ifndef BS_CORE_CALL_ROWS_H
#define BS_CORE_CALL_ROWS_H

#include "core/calls.h"

enum bs_call_row_kind {
    BS_CALL_ROW_OPCODE,    /* the evaluator, running an instruction; always at depth 0 */
    BS_CALL_ROW_OUTSIDE,   /* what ran outside of any opcode, at depth 0 */
    BS_CALL_ROW_EVALUATOR, /* called by C: what it ran has events of its own */
    BS_CALL_ROW_FUNCTION,
    BS_CALL_ROW_INLINED,
    BS_CALL_ROW_SYSTEM, /* its instructions are the kernel's: 0 */
};

struct bs_call_row {
    enum bs_call_row_kind kind;
    uint32_t depth;
    /* The name, that of an opcode's handler may be "the evaluator"; the file without directories,
       may be empty. Both live as long as the trace. */
    struct bs_text name, file;
    uint32_t line;  /* of the function's entry; INLINED: of the call in it; 0: not known */
    uint8_t opcode; /* OPCODE: what was dispatched */
    bool cut;       /* depth 0: the walk ended in the middle of it */
    uint64_t instructions, total; /* own, and with all below it; of the machine */
    uint64_t function_addr;       /* as entered; 0 when INLINED, SYSTEM or OUTSIDE */
};

struct bs_call_rows {
    struct bs_call_row *items; /* preorder */
    size_t count;
};

/*
 * The rows of event number @p index, counted from 0: those of depth 0 are the opcode and, before
 * it, what ran without an event (EXTENDED_ARG, RESUME). None: not an opcode, not walked, or the
 * second half of a superinstruction.
 */
struct bs_error *bs_call_rows_event(const struct bs_trace *trace, size_t index,
                                    struct bs_call_rows *ret);
/* The rows of all of CALL where it ran no opcode, and so no event has any; none elsewhere. */
struct bs_error *bs_call_rows_alone(const struct bs_trace *trace, struct bs_call_rows *ret);
/* The rows of tree number @p tree. */
struct bs_error *bs_call_rows_tree(const struct bs_calls *calls, size_t tree,
                                   struct bs_call_rows *ret);
void bs_call_rows_deinit(struct bs_call_rows *rows);
#define _cleanup_call_rows_ _cleanup_(bs_call_rows_deinit)

/* Machine instructions of all rows. */
uint64_t bs_call_rows_total(const struct bs_call_rows *rows);
/*
 * The function that executed most instructions itself, the evaluator and inlined functions apart;
 * the first of equals. NULL: there is none, only the evaluator ran.
 */
const struct bs_call_row *bs_call_rows_heaviest(const struct bs_call_rows *rows);

/*
 * Append what goes into one cell beside the opcode: the machine instructions of all rows, padded
 * to BS_CALL_CELL_COLUMNS; the first functions on the way down, which goes to the first call that
 * has a good part of the instructions; and, where it is not one of these, the heaviest after "..".
 * The last of them has its file and line. Names are in brief (core/brief.h). Nothing without rows.
 */
#define BS_CALL_CELL_COLUMNS 7
void bs_call_rows_cell(const struct bs_call_rows *rows, struct bs_buffer *buffer);

/* Append @p rows as a tree, one line each, every line after @p indent columns. */
void bs_call_rows_render(const struct bs_trace *trace, const struct bs_call_rows *rows, long indent,
                         struct bs_buffer *buffer);

#endif
