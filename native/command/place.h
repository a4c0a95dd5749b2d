/*
 * The place from which CALL is made: the thread that makes the calls, and the Python frame whose
 * names CALL may use. Reads memory and walks stacks, never waits.
 */
#ifndef BS_COMMAND_PLACE_H
#define BS_COMMAND_PLACE_H

#include "command/thread_stack.h"

struct bs_place {
    int tid;                    /* makes the calls */
    bool holds_gil;             /* else nobody does */
    uint64_t gil_addr;          /* the lock itself */
    bool other_gils;            /* there are interpreters with another lock, which do not wait */
    uint64_t interpreter_addr;  /* in which CALL is run */
    uint64_t active_state_addr; /* the thread's in a sub-interpreter; 0: that is the main one */
    uint64_t active_ident;      /* what that state says of its thread */
    uint64_t thread_state_addr; /* of the frame whose names CALL may use; 0: none */
    uint64_t code_addr;         /* what that frame runs; 0: none, or not known */
    uint32_t frame_index;       /* bs_request.frame_index; BS_FRAME_NONE: __main__ only */
};

/*
 * All checks, in the order in which a person would want to hear of them: the process, Python
 * running in it; then the thread: the selected one where it runs a sub-interpreter, else the one
 * that holds the GIL, or while nobody does the selected one, or any Python thread; that this one is
 * where calling is safe (safety.h); and that the selected frame is one whose names CALL can use.
 *
 * In a sub-interpreter CALL is run only where the thread holds the GIL for it: all is there as it
 * has to be then. To enter one from outside is for the program that made it, which may have a state
 * of its own for each thread, or each visit.
 */
struct bs_error *bs_place_choose(const struct bs_inferior *inferior, struct bs_place *ret);

/* The Python frame that belongs to the selected C frame. */
struct bs_python_place {
    struct bs_thread_stack stack; /* of the selected thread */
    const struct bs_frame *frame; /* of `stack.frames`; NULL: there is none */
};

struct bs_error *bs_python_place_find(const struct bs_inferior *inferior,
                                      const struct bs_evaluator *evaluator,
                                      struct bs_python_place *ret);
void bs_python_place_deinit(struct bs_python_place *place);
#define _cleanup_python_place_ _cleanup_(bs_python_place_deinit)

#endif
