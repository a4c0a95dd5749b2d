/*
 * One stack from two: the C frames that a debugger walked and the Python frames read from memory.
 *
 * Frames are matched by address, not by symbol name. From 3.11 on each call of the evaluator keeps
 * a structure in its C frame which the interpreter links to the Python frames that it runs; on 3.10
 * each call of the evaluator runs one frame, and they are paired in order. Tail-call builds (3.14
 * and later) have further C frames for one evaluator call: the handler that is running.
 */
#ifndef BS_INSPECT_MIXED_H
#define BS_INSPECT_MIXED_H

#include "inspect/dispatch.h"
#include "inspect/frames.h"
#include "inspect/running.h"

/* The C frames of a thread. Borrows both. */
struct bs_native_stack {
    const struct bs_native_frame *items; /* innermost first */
    size_t count;
    const struct bs_evaluator *evaluator; /* whose they may be */
};

struct bs_mixed_frame {
    bool is_python;
    bool is_evaluator; /* a C frame that runs Python frames */
    bool unplaced;     /* a Python frame whose C frame was not found: shown where it must be near */
    size_t index;      /* into bs_frames.items or into the C frames */
};

struct bs_mixed {
    struct bs_mixed_frame *items; /* innermost first; Python frames follow their evaluator */
    size_t count;
};

/* What runs on the thread that Python numbers @p tid, going by its C frames: bs_running_find(). */
struct bs_error *bs_mixed_running(const struct bs_interpreter *python,
                                  const struct bs_native_stack *natives,
                                  const struct bs_threads *threads, int tid,
                                  struct bs_running *ret);

/* The frames of all of @p running, read with the help of its C frames: bs_frames_walk(). */
struct bs_error *bs_mixed_frames(const struct bs_interpreter *python,
                                 const struct bs_native_stack *natives,
                                 const struct bs_running *running, struct bs_frames *ret);

/* Merge; every frame of both lists appears exactly once, each list in its own order. */
struct bs_error *bs_mixed_merge(const struct bs_interpreter *python,
                                const struct bs_native_stack *natives,
                                const struct bs_frames *frames, struct bs_mixed *ret);
void bs_mixed_deinit(struct bs_mixed *mixed);
#define _cleanup_mixed_ _cleanup_(bs_mixed_deinit)

/*
 * The Python frame nearest to C frame number @p level (0: innermost): the one that was running when
 * that C function was called, or, where there is none further out, the outermost. SIZE_MAX where
 * there is no complete Python frame at all. The result indexes bs_frames.items; bs_frames_index()
 * makes a bs_request.frame_index of it.
 */
size_t bs_mixed_nearest(const struct bs_mixed *mixed, const struct bs_frames *frames, size_t level);

#endif
