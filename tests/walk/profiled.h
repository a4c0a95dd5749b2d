/* Profiles of real calls in real interpreters, with no debugger, and their C functions. */
#ifndef TESTS_WALK_PROFILED_H
#define TESTS_WALK_PROFILED_H

#include "command/session.h"
#include "core/call_rows.h"
#include "interpreters.h"
#include "process_host.h"

struct profiled {
    const struct interpreter *interpreter;
    FILE *output;
    pid_t pid;
    struct process_host *process; /* NULL after a failed check */
    struct bs_session *session;
};

/* Start programs/walked.py, with the globals of the program at @p globals_path too unless NULL. */
struct profiled profiled_start(const struct interpreter *interpreter, const char *globals_path);
void profiled_end(struct profiled *profiled);
#define _cleanup_profiled_ _cleanup_(profiled_end)

/*
 * Run `profile` with @p arguments after a few options that make it short. The trace of it, which
 * belongs to the session, or NULL and a failed check.
 */
const struct bs_trace *profiled_run(struct profiled *profiled, const char *arguments);

/* The event of the n-th opcode (from 0) whose name begins with @p opname; SIZE_MAX: none. */
size_t profiled_event(const struct bs_trace *trace, const char *opname, unsigned int n);

/* How many rows of event @p index have a function called @p name, and what they executed. */
unsigned int profiled_rows(const struct bs_trace *trace, size_t index, const char *name,
                           uint64_t *ret_instructions);
/* Whether there is one; if not, the rows are printed. */
bool profiled_has(const struct bs_trace *trace, size_t index, const char *name);
/* How many rows are of @p kind. */
unsigned int profiled_kinds(const struct bs_trace *trace, size_t index, enum bs_call_row_kind kind);

/* Whether static functions of the interpreter have names: it is not stripped. */
bool profiled_has_names(const struct profiled *profiled);

#endif
