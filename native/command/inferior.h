/*
 * The inferior as a command finds it: a process or a core file, a way to read its memory, and the
 * interpreter in it. For trace and profile, and as well for stack and code, which run nothing.
 */
#ifndef BS_COMMAND_INFERIOR_H
#define BS_COMMAND_INFERIOR_H

#include "command/host.h"
#include "command/memory.h"
#include "inspect/interpreter.h"

struct bs_inferior {
    const struct bs_host *host;
    struct bs_host_state state;
    struct bs_memory memory;
    struct bs_target target; /* reads through `memory`; what `python` uses */
    struct bs_interpreter python;
    bool numbered_apart; /* in a PID namespace: its Python numbers threads as it sees them itself */
};

/*
 * Find them. Fails when there is neither process nor core file, and as bs_interpreter_find() does;
 * an interpreter that is not running Python code is a success (bs_interpreter_check_running).
 * *ret must stay where it is until bs_inferior_close(), which is allowed after a failure too.
 */
struct bs_error *bs_inferior_open(const struct bs_host *host, struct bs_inferior *ret);
void bs_inferior_close(struct bs_inferior *inferior);
#define _cleanup_inferior_ _cleanup_(bs_inferior_close)

/*
 * @p error, or where the debugger has not the right symbols one that says why not and what helps;
 * takes @p error over.
 */
struct bs_error *bs_inferior_hint_at_files(const struct bs_inferior *inferior,
                                           struct bs_error *error);

/* As Python numbers the thread that the debugger numbers @p tid. */
int bs_inferior_python_tid(const struct bs_inferior *inferior, int tid);
/* As the debugger numbers the thread that Python says is @p python_tid; 0: not known. */
int bs_inferior_tid(const struct bs_inferior *inferior, int python_tid);

#endif
