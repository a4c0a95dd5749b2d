/*
 * What the program has on that would disturb a run, and that a run would disturb: the collector,
 * its trace and profile functions, its monitoring tools. Put aside before our runs and put back
 * after them. No exception may be set.
 *
 * What cannot be put back: events that a monitoring tool had disabled at single places (by
 * returning sys.monitoring.DISABLE) are reported to it once more. And 3.12.1 decides whenever a
 * trace function is installed, and by what any frame of the interpreter has ever asked for, whether
 * it gets opcode events (Python/legacy_tracing.c, f_opcode_trace_set): a trace function of the
 * program's that had asked for them, and too late to get them, does get them once it is put back.
 */
#ifndef BS_AGENT_ASIDE_H
#define BS_AGENT_ASIDE_H

#include "agent/codes.h"
#include "agent/python.h"

struct aside {
    bool collecting;
    struct aside_hook {
        trace_fn *fn;     /* NULL: none, or not known */
        PyObject *object; /* owned: what sys.gettrace() or sys.getprofile() gave; NULL: none */
    } trace, profile;
    PyObject *tools; /* owned: list of (tool, events, [(event, callback)]); NULL: none */
};

void bs_aside_put(struct aside *aside);
void bs_aside_restore(struct aside *aside);

/*
 * In a clone, which gives nothing back: take away what tools watch in @p codes alone (their local
 * events), so that these run as they do unwatched. In the process they stay, without callbacks.
 */
void bs_aside_unwatch(const struct codes *codes);

/*
 * The modules that the agent itself uses, imported before CALL is; those that were not there are
 * forgotten again by bs_modules_restore(). Unless CALL imported others: they may hold on to ours,
 * and a second copy of enum, say, would not know the first one's classes. Then all stay.
 */
struct modules {
    PyObject *imported; /* owned: set of the names that came with ours; NULL: not known */
    PyObject *known;    /* owned: set of all names after that */
};
void bs_modules_import(struct modules *ret);
void bs_modules_restore(struct modules *modules);

#endif
