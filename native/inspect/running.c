#include "inspect/running.h"

#include "inspect/field.h"
#include "inspect/frames.h"

/* From 3.13 on: the innermost frame that lies on the C stack, an entry frame. */
static struct bs_error *find_entry_frame(const struct bs_interpreter *python, uint64_t state_addr,
                                         const struct bs_evaluator_calls *calls, uint64_t *ret) {
    uint64_t frame_addr;
    struct bs_error *error = bs_field(python, state_addr, thread, frame, &frame_addr);
    for (size_t i = 0; !error && frame_addr && i < BS_FRAMES_MAX; i++) {
        if (bs_evaluator_calls_hold(calls, frame_addr)) {
            *ret = frame_addr;
            return NULL;
        }
        error = bs_field(python, frame_addr, frame, previous, &frame_addr);
    }
    return error;
}

/* What the innermost evaluator call of a state keeps on the C stack; 0: it is not in @p calls. */
static struct bs_error *find_mark(const struct bs_interpreter *python, uint64_t state_addr,
                                  const struct bs_evaluator_calls *calls, uint64_t *ret) {
    struct bs_error *error;
    *ret = 0;
    if (bs_has_field(python, thread, call))
        error = bs_field(python, state_addr, thread, call, ret);
    else if (bs_has_field(python, thread, cframe))
        error = bs_field(python, state_addr, thread, cframe, ret);
    else
        error = find_entry_frame(python, state_addr, calls, ret);
    if (error || !bs_evaluator_calls_hold(calls, *ret))
        *ret = 0;
    return bs_error_forgive(error);
}

/* Sort a state in by its mark, from which on the C stack is its: innermost first. */
static void add(struct bs_running *running, const struct bs_thread *thread, uint64_t mark_addr) {
    size_t i = running->count;
    if (i == BS_RUNNING_MAX)
        return;
    for (; i && running->items[i - 1].start_addr > mark_addr; i--)
        running->items[i] = running->items[i - 1];
    running->items[i] = (struct bs_running_state){.thread = *thread, .start_addr = mark_addr};
    running->count++;
}

/* Each one's part ends where the next begins; a call that begins has no mark yet. */
static void share_stack(struct bs_running *running) {
    for (size_t i = 0; i < running->count; i++)
        running->items[i].end_addr =
            i + 1 < running->count ? running->items[i + 1].start_addr : UINT64_MAX;
    if (running->count)
        running->items[0].start_addr = 0;
}

static bool have_one_interpreter(const struct bs_threads *threads) {
    for (size_t i = 1; i < threads->count; i++) {
        if (threads->items[i].interpreter_addr != threads->items[0].interpreter_addr)
            return false;
    }
    return true;
}

struct bs_error *bs_running_find(const struct bs_interpreter *python,
                                 const struct bs_threads *threads, int tid,
                                 const struct bs_evaluator_calls *calls, struct bs_running *ret) {
    const bool by_stack = !have_one_interpreter(threads);
    *ret = (struct bs_running){};
    for (size_t i = 0; by_stack && i < threads->count; i++) {
        const struct bs_thread *thread = &threads->items[i];
        uint64_t mark_addr = 0;
        struct bs_error *error =
            thread->has_frames ? find_mark(python, thread->state_addr, calls, &mark_addr) : NULL;
        if (error)
            return error;
        if (mark_addr)
            add(ret, thread, mark_addr);
    }
    const struct bs_thread *thread = ret->count ? NULL : bs_threads_by_tid(threads, tid);
    if (thread)
        add(ret, thread, 0);
    share_stack(ret);
    return NULL;
}

const struct bs_thread *bs_running_of(const struct bs_running *running, uint64_t interpreter_addr) {
    for (size_t i = 0; i < running->count; i++) {
        if (running->items[i].thread.interpreter_addr == interpreter_addr)
            return &running->items[i].thread;
    }
    return NULL;
}

bool bs_running_holds_gil(const struct bs_running *running) {
    for (size_t i = 0; i < running->count; i++) {
        if (running->items[i].thread.holds_gil)
            return true;
    }
    return false;
}
