/*
 * Whether and on which thread a call into the inferior is safe. Nothing here changes anything: it
 * reads memory. A refusal is an error whose sentence has the reason, the frame and the way out.
 */
#ifndef BS_COMMAND_SAFETY_H
#define BS_COMMAND_SAFETY_H

#include "command/inferior.h"
#include "command/options.h"
#include "inspect/mixed.h"

/* Fails unless functions of the inferior can be called and Python code runs in it. */
struct bs_error *bs_safety_process(const struct bs_inferior *inferior);

/*
 * Fails where @p options have CALL run in a copy, and none can. Where there are sub-interpreters,
 * PyOS_AfterFork_Child deletes them, and waits for a lock that it holds itself (up to 3.12) or
 * aborts (3.13): a program's own os.fork() ends so too.
 *
 * Fails where thread @p tid has a seccomp filter that we have not, unless they trust it. What the
 * filter does cannot be seen from outside; for a system call that it does not know many a filter
 * kills the process.
 */
struct bs_error *bs_safety_options(const struct bs_inferior *inferior, int tid,
                                   const struct bs_options *options);

/*
 * Fails when thread @p tid, whose stack is @p natives, is inside the allocator, the dynamic loader
 * or the collector, or on a stack without room for a call: only frames up to the evaluator's first
 * count. @p holds_gil is for the sentence.
 */
struct bs_error *bs_safety_thread(const struct bs_inferior *inferior, int tid, bool holds_gil,
                                  const struct bs_native_stack *natives);

#endif
