/*
 * C functions under opcodes: what the walk of one run of CALL found (CALLS), named by what the
 * debugger knew (SYMBOLS), and brought together with the events of the trace.
 *
 * Rows are what is shown. They come from the records of the image, with two differences. Functions
 * that were inlined appear between a function and what it called, where symbols know them; their
 * own instructions are counted with the function that they are inlined into. And a jump that did
 * not lead into another function (as symbols tell) is no row: its instructions are those of the
 * function above it.
 *
 * The walk is a run of its own. Where it took another path than the trace, opcodes have no rows:
 * nothing is guessed (bs_calls_note).
 */
#ifndef BS_CORE_CALLS_H
#define BS_CORE_CALLS_H

#include "core/trace.h"

/*
 * Called by bs_trace_create: check CALLS and SYMBOLS, and match trees with events, all else of
 * @p trace being ready. BS_ERROR_CORRUPT names the record and the field.
 */
struct bs_error *bs_calls_init(struct bs_trace *trace);
void bs_calls_deinit(struct bs_calls *calls);

/* Whether there was a walk at all. */
bool bs_calls_present(const struct bs_trace *trace);

struct bs_call_row {
    uint32_t depth; /* 0: the evaluator, running the opcode itself */
    bool inlined;
    bool evaluator; /* ran Python code, which has events of its own; also true at depth 0 */
    bool system;    /* a system call; `instructions` are then the kernel's and not known: 0 */
    /* The function: its name; without one, its module and the offset in it, such as
       "libm.so.6+0x2f0a0"; without that, the address. */
    char name[128];
    struct bs_text file; /* name without directories; empty where not known */
    uint32_t line;       /* of the function's entry; inlined: of the call in it; 0: not known */
    uint64_t instructions, total; /* own, and with everything below; of the machine */
    uint64_t function_addr;       /* as entered; 0 when inlined, or a system call */
};

struct bs_call_rows {
    struct bs_call_row *items; /* preorder: those of depth 0 are the opcode and its prefixes */
    size_t count;
};

/*
 * The rows of event number @p index (from 0). None: not an opcode, not walked, or the second half
 * of a superinstruction.
 */
struct bs_error *bs_calls_event(const struct bs_trace *trace, size_t index,
                                struct bs_call_rows *ret);
void bs_call_rows_deinit(struct bs_call_rows *rows);
#define _cleanup_call_rows_ _cleanup_(bs_call_rows_deinit)

/*
 * For one cell beside the opcode: the function that executed most instructions itself, outside of
 * the evaluator (the first of equals), and in *ret_instructions those of the whole opcode. False
 * when the event has no rows. Where nothing but the evaluator ran, ret->name is "".
 */
bool bs_calls_leaf(const struct bs_trace *trace, size_t index, struct bs_call_row *ret,
                   uint64_t *ret_instructions);

/* Append the tree of event number @p index, one line for each row; nothing without rows. */
void bs_calls_render_tree(const struct bs_trace *trace, size_t index, struct bs_buffer *buffer);

/*
 * Append the table of C functions summed over events @p first to @p last (counted from 1,
 * inclusive; both 0: everything, also what ran outside of opcodes), most own instructions first.
 */
struct bs_error *bs_calls_render_functions(const struct bs_trace *trace, uint64_t first,
                                           uint64_t last, struct bs_buffer *buffer);

/* Append one line that says why opcodes have no C functions, where some have none; or nothing. */
void bs_calls_note(const struct bs_trace *trace, struct bs_buffer *buffer);

#endif
