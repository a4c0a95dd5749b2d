/* Who holds the global interpreter lock. */
#ifndef BS_INSPECT_GIL_H
#define BS_INSPECT_GIL_H

#include "inspect/interpreter.h"

struct bs_gil {
    uint64_t lock_addr;     /* the lock itself; 0: it is not made yet */
    bool locked;            /* false: nobody holds it, and the rest is 0 */
    bool in_subinterpreter; /* what the holder runs */
    uint64_t state_addr;    /* PyThreadState of the holder */
    uint64_t ident;         /* as threading.get_ident() gives it */
    int tid; /* as the kernel numbers it; 0: not known. Up to 3.12 the holder in a sub-interpreter
                may be another thread than its state says: see running.h. */
};

/*
 * Read the lock of the main interpreter (before 3.12 there is only that one). A sub-interpreter
 * with a lock of its own is not looked at: see struct bs_thread.holds_gil for every thread.
 */
struct bs_error *bs_gil_read(const struct bs_interpreter *python, struct bs_gil *ret);

/* Where the lock of the interpreter at @p interpreter_addr lies; 0: it is not made yet. */
struct bs_error *bs_gil_lock(const struct bs_interpreter *python, uint64_t interpreter_addr,
                             uint64_t *ret_addr);

/* Whether some interpreter has another lock than the one at @p lock_addr (PEP 684). */
struct bs_error *bs_gil_has_others(const struct bs_interpreter *python, uint64_t lock_addr,
                                   bool *ret);

/*
 * The PyThreadState that holds the lock of the interpreter at @p interpreter_addr, of the main one
 * or of another; 0: nobody does.
 */
struct bs_error *bs_gil_holder(const struct bs_interpreter *python, uint64_t interpreter_addr,
                               uint64_t *ret_state_addr);

#endif
