/*
 * The stack of one thread: its C frames, as the debugger walks them, its Python frames, and both in
 * one list.
 */
#ifndef BS_COMMAND_THREAD_STACK_H
#define BS_COMMAND_THREAD_STACK_H

#include "command/inferior.h"
#include "inspect/mixed.h"

/* The C frames of a thread, innermost first, as host.h's walk() gives them. */
struct bs_natives {
    struct bs_native_frame *items;
    size_t count;
    struct bs_error *stopped; /* why the list ends early; NULL: it is whole */
};

/* Fails only for want of memory, and when interrupted. */
struct bs_error *bs_natives_walk(const struct bs_host *host, int tid, struct bs_natives *ret);
void bs_natives_deinit(struct bs_natives *natives);
#define _cleanup_natives_ _cleanup_(bs_natives_deinit)

struct bs_thread_stack {
    struct bs_natives natives;
    struct bs_running running; /* empty: it is not a thread of Python */
    struct bs_frames frames;   /* of all of `running` */
    struct bs_mixed mixed;     /* `natives` and `frames` */
};

/*
 * Of the thread that the debugger numbers @p tid. What cannot be read is where the lists end; fails
 * as bs_natives_walk() and what is in mixed.h do. Nothing is left behind then.
 */
struct bs_error *bs_thread_stack_read(const struct bs_inferior *inferior,
                                      const struct bs_evaluator *evaluator,
                                      const struct bs_threads *threads, int tid,
                                      struct bs_thread_stack *ret);
void bs_thread_stack_deinit(struct bs_thread_stack *stack);
#define _cleanup_thread_stack_ _cleanup_(bs_thread_stack_deinit)

#endif
