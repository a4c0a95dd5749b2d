/*
 * Which thread states run on one thread.
 *
 * As a rule it is one. But a thread that runs a sub-interpreter has a state of each interpreter
 * that its C stack passes through, and up to 3.12 a state is not always that of the thread that it
 * says: one that was created with a sub-interpreter is used by whichever thread runs code there. So
 * where there are several interpreters it is the C stack that tells: each evaluator call keeps a
 * structure on it to which its state points.
 */
#ifndef BS_INSPECT_RUNNING_H
#define BS_INSPECT_RUNNING_H

#include "inspect/cframe.h"
#include "inspect/threads.h"

#define BS_RUNNING_MAX 8

/* A state, and which part of the C stack is its: calls that end in (start_addr, end_addr]. */
struct bs_running_state {
    struct bs_thread thread;
    uint64_t start_addr, end_addr;
};

struct bs_running {
    struct bs_running_state items[BS_RUNNING_MAX]; /* innermost first */
    size_t count;                                  /* 0: it is not a thread of Python */
};

/*
 * The states of @p threads that run on the thread that Python numbers @p tid and whose evaluator
 * calls are @p calls. Where no state's calls are among these it is that of bs_threads_by_tid().
 * What cannot be read is left out.
 */
struct bs_error *bs_running_find(const struct bs_interpreter *python,
                                 const struct bs_threads *threads, int tid,
                                 const struct bs_evaluator_calls *calls, struct bs_running *ret);

/* The state of the interpreter at @p interpreter_addr, or NULL. */
const struct bs_thread *bs_running_of(const struct bs_running *running, uint64_t interpreter_addr);

bool bs_running_holds_gil(const struct bs_running *running);

#endif
