#include "inspect/frames.h"

#include "core/grow.h"
#include "inspect/field.h"
#include "inspect/object.h"

#include <inttypes.h>

/*
 * Three generations of frames, told apart by the fields that they have:
 *   3.10           each frame is an object, and runs in an evaluator call of its own;
 *   3.11           frames of one evaluator call are linked by `previous` up to one with `is_entry`;
 *                  the calls themselves are linked by cframes on the C stack;
 *   3.12 and later frames of one evaluator call end in an entry frame on the C stack.
 */

/* From this owner on a frame is an entry frame: FRAME_OWNED_BY_CSTACK of 3.12 to 3.14,
   FRAME_OWNED_BY_INTERPRETER of 3.14 and 3.15. */
#define OWNER_ENTRY 3
#define OWNER_MAX   4

/* Frames in a row without a code object before what `previous` says is no longer believed. */
#define BAD_FRAMES_MAX 8

struct walk {
    const struct bs_interpreter *python;
    uint64_t interpreter_addr;              /* of the thread state */
    const struct bs_evaluator_calls *calls; /* NULL: not known */
    struct bs_frames frames;
    size_t capacity;
    size_t run_start; /* first item of the evaluator call being read */
    size_t bad;       /* frames in a row without a code object */
    size_t runs;      /* evaluator calls that were read to their end */
    bool first_run_good;
    uint64_t frame_addr, cframe_addr;
};

static struct bs_error *innermost(const struct bs_interpreter *python, uint64_t state_addr,
                                  uint64_t *ret_frame_addr, uint64_t *ret_cframe_addr) {
    *ret_cframe_addr = 0;
    if (!bs_has_field(python, thread, cframe))
        return bs_field(python, state_addr, thread, frame, ret_frame_addr);
    struct bs_error *error = bs_field(python, state_addr, thread, cframe, ret_cframe_addr);
    *ret_frame_addr = 0;
    if (!error && *ret_cframe_addr)
        error = bs_field(python, *ret_cframe_addr, cframe, frame, ret_frame_addr);
    return error;
}

static struct bs_error *read_owner(const struct bs_interpreter *python, uint64_t frame_addr,
                                   uint64_t *ret) {
    if (!bs_has_field(python, frame, owner)) {
        uint64_t generator_addr;
        struct bs_error *error = bs_field(python, frame_addr, frame, generator, &generator_addr);
        *ret = error || !generator_addr ? BS_FRAME_OF_THREAD : BS_FRAME_OF_GENERATOR;
        return error;
    }
    struct bs_error *error = bs_field(python, frame_addr, frame, owner, ret);
    if (!error && *ret > OWNER_MAX)
        return bs_error_create(BS_ERROR_CORRUPT,
                               "frame.owner of the frame at 0x%" PRIx64 " is %" PRIu64, frame_addr,
                               *ret);
    return error;
}

static bool is_root(const struct bs_interpreter *python, uint64_t state_addr,
                    uint64_t cframe_addr) {
    return cframe_addr == state_addr + (uint32_t)python->layout.thread_root_cframe;
}

bool bs_frames_any(const struct bs_interpreter *python, uint64_t thread_state_addr) {
    uint64_t frame_addr, cframe_addr, owner = 0;
    struct bs_error *error = innermost(python, thread_state_addr, &frame_addr, &cframe_addr);
    if (!error && cframe_addr)
        return !is_root(python, thread_state_addr, cframe_addr);
    /* An idle thread of 3.15 keeps one entry frame. */
    if (!error && frame_addr)
        error = read_owner(python, frame_addr, &owner);
    bool any = !error && frame_addr && owner < OWNER_ENTRY;
    bs_error_destroy(error);
    return any;
}

/* Code units from the start of the bytecode of the frame's code object. */
static struct bs_error *read_offset(const struct bs_interpreter *python, struct bs_frame *frame) {
    uint64_t instruction_addr, lasti;
    struct bs_error *error;
    if (bs_has_field(python, frame, lasti)) {
        error = bs_field(python, frame->frame_addr, frame, lasti, &lasti);
        if (!error)
            frame->offset_units = (int32_t)lasti < 0 ? BS_FRAME_NO_OFFSET : (uint32_t)lasti;
        return error;
    }
    if (bs_has_field(python, frame, prev_instr))
        error = bs_field(python, frame->frame_addr, frame, prev_instr, &instruction_addr);
    else
        error = bs_field(python, frame->frame_addr, frame, instr_ptr, &instruction_addr);
    if (error)
        return error;
    uint64_t start_addr = frame->code_addr + (uint32_t)python->layout.code_adaptive;
    uint64_t offset_units = (instruction_addr - start_addr) / 2;
    /* Before the first instruction it is one unit before the start (3.11, 3.12). */
    bool believable = instruction_addr >= start_addr && offset_units < INT32_MAX;
    frame->offset_units = believable ? (uint32_t)offset_units : BS_FRAME_NO_OFFSET;
    return NULL;
}

/* _PyFrame_IsIncomplete of Include/internal/pycore_frame.h, 3.11 and later. */
static struct bs_error *read_incomplete(const struct bs_interpreter *python,
                                        struct bs_frame *frame) {
    uint64_t first;
    if (!bs_has_field(python, code, firsttraceable) || frame->owner == BS_FRAME_OF_GENERATOR)
        return NULL;
    struct bs_error *error = bs_field(python, frame->code_addr, code, firsttraceable, &first);
    if (!error)
        frame->incomplete =
            frame->offset_units == BS_FRAME_NO_OFFSET || frame->offset_units < first;
    return error;
}

static struct bs_error *read_dicts(const struct bs_interpreter *python, struct bs_frame *frame) {
    struct bs_error *error =
        bs_field(python, frame->frame_addr, frame, globals, &frame->globals_addr);
    if (!error)
        error = bs_field(python, frame->frame_addr, frame, builtins, &frame->builtins_addr);
    if (!error)
        error = bs_field(python, frame->frame_addr, frame, locals, &frame->locals_addr);
    return error;
}

/* A frame whose code object cannot be read stays in the list, with code_addr 0. */
static struct bs_error *read_code(struct walk *walk, struct bs_frame *frame) {
    const struct bs_interpreter *python = walk->python;
    struct bs_error *error = bs_field(python, frame->frame_addr, frame, code, &frame->code_addr);
    if (error)
        return error;
    frame->code_addr &= ~BS_REFERENCE_TAG_MASK;
    error = bs_object_expect(python, frame->code_addr, BS_KIND_CODE, "frame.code");
    if (!error)
        error = read_offset(python, frame);
    if (!error)
        error = read_incomplete(python, frame);
    if (!error) {
        walk->bad = 0;
        return NULL;
    }
    frame->code_addr = 0;
    frame->offset_units = BS_FRAME_NO_OFFSET;
    if (!bs_error_is_about_data(error) || ++walk->bad > BAD_FRAMES_MAX)
        return error;
    bs_error_destroy(error);
    return NULL;
}

static struct bs_error *append(struct walk *walk, const struct bs_frame *frame) {
    struct bs_frames *frames = &walk->frames;
    if (frames->count == BS_FRAMES_MAX)
        return bs_error_create(BS_ERROR_CORRUPT, "frame.previous: more than %d frames",
                               BS_FRAMES_MAX);
    struct bs_frame *items = bs_grow(frames->items, frames->count, &walk->capacity, sizeof(*items));
    if (!items)
        return &bs_enomem;
    frames->items = items;
    items[frames->count++] = *frame;
    return NULL;
}

/* The frames read since the last call all run in the evaluator call that has @p native_addr. */
static void end_run(struct walk *walk, uint64_t native_addr) {
    struct bs_frames *frames = &walk->frames;
    for (size_t i = walk->run_start; i < frames->count; i++)
        frames->items[i].native_addr = native_addr;
    if (walk->run_start < frames->count)
        frames->items[frames->count - 1].is_entry = true;
    walk->run_start = frames->count;
}

/* The same, and go on to the evaluator call before it. */
static struct bs_error *leave_call(struct walk *walk, uint64_t native_addr) {
    end_run(walk, native_addr);
    walk->runs++;
    if (!walk->cframe_addr)
        return NULL;
    return bs_field(walk->python, walk->cframe_addr, cframe, previous, &walk->cframe_addr);
}

/* After the frame just read: does the evaluator call end here, and where is it on the C stack? */
static struct bs_error *follow_entry(struct walk *walk) {
    const struct bs_interpreter *python = walk->python;
    uint64_t is_entry;
    if (!bs_has_field(python, frame, owner))
        return leave_call(walk, 0);
    if (!bs_has_field(python, frame, is_entry))
        return NULL;
    struct bs_error *error = bs_field(python, walk->frame_addr, frame, is_entry, &is_entry);
    return error || !is_entry ? error : leave_call(walk, walk->cframe_addr);
}

/*
 * Where there are cframes, the one before must be at the frame that the innermost run came from,
 * and the innermost frame must have a code object. Else the innermost cframe is not filled in yet,
 * and what it seemed to lead to was rubbish.
 */
static struct bs_error *check_first_run(const struct walk *walk) {
    uint64_t frame_addr;
    if (!walk->cframe_addr)
        return NULL;
    if (walk->frames.count && !walk->frames.items[0].code_addr)
        return bs_error_create(BS_ERROR_CORRUPT, "the innermost frame has no code object");
    struct bs_error *error = bs_field(walk->python, walk->cframe_addr, cframe, frame, &frame_addr);
    if (!error && frame_addr != walk->frame_addr)
        return bs_error_create(BS_ERROR_CORRUPT,
                               "cframe.frame of the cframe at 0x%" PRIx64 " is 0x%" PRIx64
                               ", not 0x%" PRIx64,
                               walk->cframe_addr, frame_addr, walk->frame_addr);
    return error;
}

/* An entry frame may not say yet that it is one; but no other frame lies on the C stack. */
static struct bs_error *read_owner_of_any(const struct walk *walk, uint64_t *ret) {
    bool has_entries =
        bs_has_field(walk->python, frame, owner) && !bs_has_field(walk->python, frame, is_entry);
    if (!has_entries || !walk->calls || !bs_evaluator_calls_hold(walk->calls, walk->frame_addr))
        return read_owner(walk->python, walk->frame_addr, ret);
    *ret = OWNER_ENTRY;
    return NULL;
}

/* Read the frame at walk->frame_addr and go on to the one before it. */
static struct bs_error *step(struct walk *walk) {
    const struct bs_interpreter *python = walk->python;
    struct bs_frame frame = {.frame_addr = walk->frame_addr,
                             .interpreter_addr = walk->interpreter_addr};
    uint64_t owner;
    size_t runs = walk->runs;
    struct bs_error *error = read_owner_of_any(walk, &owner);
    if (error)
        return error;
    if (owner >= OWNER_ENTRY) {
        error = leave_call(walk, walk->frame_addr);
    } else {
        frame.owner = (enum bs_frame_owner)owner;
        error = read_code(walk, &frame);
        if (!error)
            error = read_dicts(python, &frame);
        if (!error)
            error = append(walk, &frame);
        if (!error)
            error = follow_entry(walk);
    }
    if (!error)
        error = bs_field(python, walk->frame_addr, frame, previous, &walk->frame_addr);
    if (!error && !runs && walk->runs)
        walk->first_run_good = !(error = check_first_run(walk));
    return error;
}

/* The oldest frame ends an evaluator call: a chain that ends elsewhere is not the thread's. */
static struct bs_error *check_end(const struct walk *walk) {
    if (walk->run_start == walk->frames.count)
        return NULL;
    return bs_error_create(BS_ERROR_CORRUPT,
                           "frame.previous of the frame at 0x%" PRIx64
                           " is 0, but it is not the first of an evaluator call",
                           walk->frames.items[walk->frames.count - 1].frame_addr);
}

/* From walk->frame_addr to the oldest frame, or to the one that cannot be read. */
static struct bs_error *walk_all(struct walk *walk) {
    struct bs_error *error = NULL;
    size_t entries = 0;
    while (!error && walk->frame_addr) {
        size_t listed = walk->frames.count;
        error = step(walk);
        /* Entry frames are not listed, so they need a bound of their own. */
        if (!error && listed == walk->frames.count && ++entries > BS_FRAMES_MAX)
            error = bs_error_create(BS_ERROR_CORRUPT, "frame.previous: more than %d entry frames",
                                    BS_FRAMES_MAX);
    }
    if (!error)
        error = check_end(walk);
    end_run(walk, bs_has_field(walk->python, frame, is_entry) ? walk->cframe_addr : 0);
    return error;
}

/* What says already that the innermost cframe is not filled in. */
static struct bs_error *check_begin(const struct walk *walk, const struct bs_thread *thread,
                                    const struct bs_cframe_before *before) {
    if (!walk->cframe_addr || is_root(walk->python, thread->state_addr, walk->cframe_addr))
        return NULL;
    if (before->denied)
        return bs_error_create(BS_ERROR_CORRUPT,
                               "cframe.previous of the cframe at 0x%" PRIx64
                               " is not that at 0x%" PRIx64,
                               walk->cframe_addr, before->addr);
    if (!walk->frame_addr)
        return bs_error_create(BS_ERROR_CORRUPT, "cframe.frame of the cframe at 0x%" PRIx64 " is 0",
                               walk->cframe_addr);
    return NULL;
}

/* One frame without a code object for the call at @p cframe_addr, the rest from the call before. */
static struct bs_error *walk_before(uint64_t cframe_addr, uint64_t before_addr, struct walk *walk) {
    struct bs_frame unknown = {.frame_addr = cframe_addr,
                               .interpreter_addr = walk->interpreter_addr,
                               .offset_units = BS_FRAME_NO_OFFSET,
                               .incomplete = true};
    struct bs_error *error = append(walk, &unknown);
    end_run(walk, cframe_addr);
    walk->cframe_addr = before_addr;
    if (!error)
        error = bs_field(walk->python, before_addr, cframe, frame, &walk->frame_addr);
    return error ? error : walk_all(walk);
}

/*
 * What the innermost cframe leads to makes no sense: it is not filled in yet. Where the rest does
 * not lead to the end either, what was read and @p why it ended stay.
 */
static struct bs_error *recover(uint64_t cframe_addr, uint64_t before_addr, struct bs_error *why,
                                struct walk *walk) {
    struct walk other = {.python = walk->python,
                         .interpreter_addr = walk->interpreter_addr,
                         .calls = walk->calls,
                         .runs = 1};
    struct bs_error *error = walk_before(cframe_addr, before_addr, &other);
    bs_frames_deinit(error ? &other.frames : &walk->frames);
    if (!error)
        *walk = other;
    bool useless = error && bs_error_is_about_data(error);
    bs_error_destroy(useless ? error : why);
    return useless ? why : error;
}

struct bs_error *bs_frames_walk(const struct bs_interpreter *python, const struct bs_thread *thread,
                                const struct bs_evaluator_calls *calls, struct bs_frames *ret) {
    struct walk walk = {
        .python = python, .interpreter_addr = thread->interpreter_addr, .calls = calls};
    struct bs_cframe_before before = {};
    struct bs_error *error =
        innermost(python, thread->state_addr, &walk.frame_addr, &walk.cframe_addr);
    uint64_t cframe_addr = walk.cframe_addr;
    if (!error && cframe_addr && calls)
        error = bs_cframe_before(python, thread->state_addr, cframe_addr, calls, &before);
    if (!error)
        error = check_begin(&walk, thread, &before);
    if (!error)
        error = walk_all(&walk);
    if (error && bs_error_is_about_data(error) && before.addr && !walk.first_run_good)
        error = recover(cframe_addr, before.addr, error, &walk);
    if (error && !bs_error_is_about_data(error)) {
        bs_frames_deinit(&walk.frames);
        return error;
    }
    walk.frames.stopped = error;
    *ret = walk.frames;
    return NULL;
}

void bs_frames_deinit(struct bs_frames *frames) {
    free(frames->items);
    bs_error_destroy(frames->stopped);
    *frames = (struct bs_frames){};
}

uint32_t bs_frames_index(const struct bs_frames *frames, size_t item) {
    uint32_t index = 0;
    if (item >= frames->count || frames->items[item].incomplete)
        return BS_FRAME_NO_INDEX;
    for (size_t i = 0; i < item; i++)
        index += !frames->items[i].incomplete &&
                 frames->items[i].interpreter_addr == frames->items[item].interpreter_addr;
    return index;
}
