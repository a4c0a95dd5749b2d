/*
 * C functions under opcodes: what the walk of one run of CALL found (CALLS), named by what the
 * debugger knew (SYMBOLS), and brought together with the events of the trace. What is shown of them
 * is made in core/call_rows.h.
 *
 * The walk is a run of its own, and it may have taken another path than the trace: what cannot be
 * matched with events belongs to none, nothing is guessed, and a note says so.
 */
#ifndef BS_CORE_CALLS_H
#define BS_CORE_CALLS_H

#include "core/trace.h"

/* Functions inlined into each other at one address; more are taken to be corrupt. */
#define BS_CALL_INLINED_MAX 64

/* What is known of an address that was entered, or of a system call. */
struct bs_call_function {
    struct bs_text name; /* function, else "libm.so.6+0x2f0a0", else the address; "syscall read" */
    struct bs_text file; /* without directories; empty: not known */
    uint32_t line;       /* 0: not known */
    bool known;          /* by name */
    char made[48];       /* the name, where it had to be made up */
};

struct bs_calls {
    const struct bs_trace *trace; /* whose it is */
    struct bs_call_function *functions;
    uint32_t *function_of; /* of each record of CALLS */
    size_t function_count;
    uint32_t *tree_start; /* record where each tree begins; one entry more than trees */
    size_t tree_count;
    uint32_t *first_tree; /* of each event: its trees end where those of the next one begin; one
                             entry more than events */
    bool *stray;          /* of each tree: not part of any event, wherever it stands */
    size_t stray_count;   /* of those that belong to opcodes that the trace has elsewhere */
    size_t missing_count; /* opcode events that should have a tree and do not */
    size_t missing_event; /* the first of them */
    size_t end_event;     /* behind the last event that has trees */
};

/*
 * Check CALLS and SYMBOLS and match them with the events of @p trace, all else of which is ready.
 * Without CALLS the result is NULL. BS_ERROR_CORRUPT names the record and what is wrong with it.
 */
struct bs_error *bs_calls_create(const struct bs_trace *trace, struct bs_calls **ret);
void bs_calls_destroy(struct bs_calls *calls);

/* Whether event number @p index, counted from 0, has trees. */
bool bs_calls_has_trees(const struct bs_trace *trace, size_t index);

/* Parts of bs_calls_create: whether the records make sense; fill functions and function_of. */
struct bs_error *bs_calls_check(const struct bs_trace *trace);
struct bs_error *bs_calls_name(struct bs_calls *calls);

/* The symbols of @p addr, innermost first: *ret_count of them, 0 and NULL when there are none. */
const struct bs_symbol *bs_calls_symbols(const struct bs_calls *calls, uint64_t addr,
                                         size_t *ret_count);

/* Whether a record of kind JUMP is no function of its own but still that of record @p above. */
bool bs_calls_is_same_function(const struct bs_calls *calls, size_t item, size_t above);

#endif
