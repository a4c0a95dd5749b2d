/*
 * The place from which CALL is made: the thread that makes the calls, and the Python frame whose
 * names CALL may use. Reads memory and walks stacks, never waits.
 */
#ifndef BS_COMMAND_PLACE_H
#define BS_COMMAND_PLACE_H

#include "command/inferior.h"
#include "inspect/dispatch.h"

struct bs_place {
    int tid;               /* makes the calls */
    bool holds_gil;        /* else nobody does */
    uint64_t thread_ident; /* threading.get_ident() of the thread whose names CALL may use */
    uint32_t frame_index;  /* bs_request.frame_index; BS_FRAME_NONE: __main__ only */
};

/*
 * All checks, in the order in which a person would want to hear of them: the process, Python
 * running in it; then the thread that holds the GIL, or while nobody does the selected one, or any
 * Python thread; and that this one is where calling is safe (safety.h).
 */
struct bs_error *bs_place_choose(const struct bs_inferior *inferior, struct bs_place *ret);

/*
 * The Python frame that belongs to the selected C frame, into thread_ident and frame_index of
 * @p ret: of the selected thread, else none.
 */
struct bs_error *bs_place_frame(const struct bs_inferior *inferior,
                                const struct bs_evaluator *evaluator, struct bs_place *ret);

#endif
