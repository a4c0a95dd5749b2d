/*
 * One run of a request, from the text of CALL to the finished image: what the worker does, or with
 * BS_REQUEST_IN_PROCESS the program's own thread. The caller holds the GIL.
 */
#ifndef BS_AGENT_RUN_H
#define BS_AGENT_RUN_H

#include "agent/garbage.h"
#include "agent/record.h"
#include "agent/resolve.h"
#include "format/request.h"

#include <sys/types.h>

struct run {
    const struct bs_request *request;
    struct bs_shared *shared;
    struct bs_image_header *header;
    const struct names *names;
    struct failure failure; /* outcome NONE as long as all is well */

    struct output output;
    struct codes codes;
    struct describer describer;
    struct recorder recorder; /* of the trace pass */
    struct call call;
    struct garbage garbage;

    pid_t pid;
    uint64_t started_ns;
    uint64_t repeating_ns;       /* since when the budget is spent; later by what the walk took */
    struct steps *steps;         /* of the profile; NULL: none */
    const struct engine *engine; /* that made them */
    struct walk *walk;           /* NULL: none */
};

/* Run @p request; outcome and everything else are in the image afterwards. Leaves no exception. */
void bs_run(const struct bs_request *request, struct bs_shared *shared, const struct names *names);

/*
 * A run in our own process was cut short: CALL crashed in it, and the debugger took its stack away.
 * Nothing of it may happen any more. By system calls and plain stores alone: locks may be held, and
 * the GIL need not be. So our trace and profile functions stay registered, and do nothing; what was
 * put aside for the run (aside.h) stays there; its memory is lost.
 */
void bs_run_abandon(void);

/* Begin a phase, for the progress bar; @p total 0 where not known. */
void bs_run_phase(struct run *run, enum bs_phase phase, uint64_t total);
static inline void bs_run_progress(struct run *run, uint64_t done) {
    atomic_store_explicit(&run->shared->done, done, memory_order_relaxed);
}

/*
 * After each call of CALL: drop @p result or the exception, and what was made @p ready. False: run
 * ends, and run->failure says why. In a process that CALL forked this does not return.
 */
bool bs_run_finish(struct run *run, struct ready *ready, PyObject *result);

/*
 * In our own process no watcher ends the run: interrupt.h ends a call, and this the run. True:
 * run->failure says why. Never in a clone.
 */
bool bs_run_is_stopped(struct run *run);

/* Warm up, time, measure. False: run->failure says why. */
bool bs_profile(struct run *run);
void bs_profile_abandon(void); /* for bs_run_abandon() */
/* After the trace pass: write what bs_profile measured beside the events. */
void bs_profile_write(struct run *run);

#endif
