/*
 * The Python frames of one thread, from memory, and how they lie among its C frames.
 *
 * Every walk is bounded, and what was read before a fault is given back with the reason. A frame
 * on the interpreter's own stack of frames is one of three things: a Python frame that
 * sys._current_frames() would show; an incomplete one (3.11 and later: called, but before its first
 * RESUME); or an entry frame that the evaluator keeps on the C stack (3.12 and later), which is no
 * frame of Python and is not listed: it only says where a run of frames ends.
 */
#ifndef BS_INSPECT_FRAMES_H
#define BS_INSPECT_FRAMES_H

#include "inspect/cframe.h"
#include "inspect/threads.h"

#define BS_FRAMES_MAX      100000
#define BS_FRAME_NO_OFFSET UINT32_MAX
#define BS_FRAME_NO_INDEX  UINT32_MAX

enum bs_frame_owner {
    BS_FRAME_OF_THREAD,
    BS_FRAME_OF_GENERATOR, /* generator, coroutine, asynchronous generator */
    BS_FRAME_OF_OBJECT,    /* a frame object that outlived its call */
};

struct bs_frame {
    uint64_t frame_addr;       /* _PyInterpreterFrame; PyFrameObject on 3.10 */
    uint64_t interpreter_addr; /* whose state runs it */
    uint64_t code_addr;
    uint64_t globals_addr, builtins_addr, locals_addr; /* 0 for none */
    /* The current instruction, in code units from the start of the bytecode: f_lasti / 2. It may
       lie in an inline cache (3.11, 3.12): bs_instruction_at() gives the instruction. */
    uint32_t offset_units; /* BS_FRAME_NO_OFFSET before the first instruction */
    enum bs_frame_owner owner;
    bool incomplete;
    bool is_entry; /* the oldest of the frames that one C call of the evaluator runs */
    /*
     * An address inside the C frame of the evaluator call that runs this frame: of its cframe
     * (3.11, 3.12) or entry frame (3.13 and later). 0 on 3.10, which keeps nothing there, and
     * where it could not be read.
     */
    uint64_t native_addr;
};

struct bs_frames {
    struct bs_frame *items; /* innermost first */
    size_t count;
    struct bs_error *stopped; /* why the list ends early; NULL: it is whole */
};

/*
 * The frames of @p thread; none is a success. What cannot be read is where the list ends; fails for
 * all other reasons (bs_error_is_about_data()). @p calls, NULL where they are not known, helps
 * where an evaluator call is about to begin: it tells the entry frame (3.12 and later), and the
 * call before (3.11, 3.12), where one frame without a code object stands for the one that begins.
 */
struct bs_error *bs_frames_walk(const struct bs_interpreter *python, const struct bs_thread *thread,
                                const struct bs_evaluator_calls *calls, struct bs_frames *ret);
void bs_frames_deinit(struct bs_frames *frames);
#define _cleanup_frames_ _cleanup_(bs_frames_deinit)

/* Whether a thread runs any Python frame now; false also where that cannot be read. */
bool bs_frames_any(const struct bs_interpreter *python, uint64_t thread_state_addr);

/* How many f_back steps from sys._current_frames() of its interpreter to item @p item;
   BS_FRAME_NO_INDEX for an incomplete one. What bs_request.frame_index wants. */
uint32_t bs_frames_index(const struct bs_frames *frames, size_t item);

#endif
