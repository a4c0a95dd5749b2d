#include "inspect/threads.h"

#include "core/grow.h"
#include "inspect/field.h"
#include "inspect/frames.h"
#include "inspect/gil.h"

#include <inttypes.h>

/* 0 where the C library does not tell, and for a thread that has ended. */
static int descriptor_tid(const struct bs_interpreter *python, uint64_t ident) {
    uint32_t tid = 0;
    if (!python->descriptor_tid_offset || !ident)
        return 0;
    struct bs_error *error =
        bs_read_u32(python->target, ident + python->descriptor_tid_offset, "thread number", &tid);
    bool known = !error && tid <= INT32_MAX;
    bs_error_destroy(error); /* an ended thread may have no descriptor any more */
    return known ? (int)tid : 0;
}

static struct bs_error *read_tid(const struct bs_interpreter *python, uint64_t state_addr,
                                 uint64_t ident, int *ret) {
    uint64_t tid = 0;
    *ret = descriptor_tid(python, ident);
    if (*ret || !bs_has_field(python, thread, tid))
        return NULL;
    struct bs_error *error = bs_field(python, state_addr, thread, tid, &tid);
    if (!error && tid <= INT32_MAX)
        *ret = (int)tid;
    return error;
}

struct bs_error *bs_thread_read(const struct bs_interpreter *python, uint64_t state_addr,
                                struct bs_thread *ret) {
    struct bs_thread thread = {.state_addr = state_addr};
    uint64_t holder_addr = 0;
    struct bs_error *error =
        bs_field(python, state_addr, thread, interpreter, &thread.interpreter_addr);
    if (!error)
        error = bs_field(python, state_addr, thread, ident, &thread.ident);
    if (!error)
        error = read_tid(python, state_addr, thread.ident, &thread.tid);
    if (!error)
        error = bs_gil_holder(python, thread.interpreter_addr, &holder_addr);
    if (error)
        return error;
    thread.holds_gil = holder_addr == state_addr;
    thread.has_frames = bs_frames_any(python, state_addr);
    *ret = thread;
    return NULL;
}

struct list {
    struct bs_thread *items;
    size_t count, capacity;
};

static struct bs_error *append(struct list *list, const struct bs_thread *thread) {
    struct bs_thread *items = bs_grow(list->items, list->count, &list->capacity, sizeof(*items));
    if (!items)
        return &bs_enomem;
    list->items = items;
    items[list->count++] = *thread;
    return NULL;
}

static struct bs_error *list_interpreter(const struct bs_interpreter *python,
                                         uint64_t interpreter_addr, struct list *list) {
    uint64_t state_addr;
    struct bs_error *error =
        bs_field(python, interpreter_addr, interpreter, threads_head, &state_addr);
    while (!error && state_addr) {
        struct bs_thread thread;
        if (list->count == BS_THREADS_MAX)
            return bs_error_create(BS_ERROR_CORRUPT, "thread.next: more than %d threads",
                                   BS_THREADS_MAX);
        error = bs_thread_read(python, state_addr, &thread);
        if (error)
            return error;
        if (thread.interpreter_addr != interpreter_addr)
            return bs_error_create(BS_ERROR_CORRUPT,
                                   "thread.interpreter of the thread at 0x%" PRIx64 " is 0x%" PRIx64
                                   ", not 0x%" PRIx64,
                                   state_addr, thread.interpreter_addr, interpreter_addr);
        error = append(list, &thread);
        if (!error)
            error = bs_field(python, state_addr, thread, next, &state_addr);
    }
    return error;
}

struct bs_error *bs_threads_list(const struct bs_interpreter *python, struct bs_threads *ret) {
    struct list list = {};
    uint64_t interpreter_addr;
    size_t interpreters = 0;
    struct bs_error *error =
        bs_field(python, python->runtime_addr, runtime, interpreters_head, &interpreter_addr);
    while (!error && interpreter_addr) {
        if (interpreters++ == BS_INTERPRETERS_MAX) {
            error = bs_error_create(BS_ERROR_CORRUPT, "interpreter.next: more than %d interpreters",
                                    BS_INTERPRETERS_MAX);
            break;
        }
        error = list_interpreter(python, interpreter_addr, &list);
        if (!error)
            error = bs_field(python, interpreter_addr, interpreter, next, &interpreter_addr);
    }
    if (error && (!list.count || !bs_error_is_about_data(error))) {
        free(list.items);
        return error;
    }
    *ret = (struct bs_threads){.items = list.items, .count = list.count, .stopped = error};
    return NULL;
}

void bs_threads_deinit(struct bs_threads *threads) {
    free(threads->items);
    bs_error_destroy(threads->stopped);
    *threads = (struct bs_threads){};
}

static int rank(const struct bs_thread *thread) {
    return thread->holds_gil * 2 + thread->has_frames;
}

const struct bs_thread *bs_threads_by_tid(const struct bs_threads *threads, int tid) {
    const struct bs_thread *best = NULL;
    for (size_t i = 0; i < threads->count; i++) {
        const struct bs_thread *thread = &threads->items[i];
        if (thread->tid == tid && (!best || rank(thread) > rank(best)))
            best = thread;
    }
    return best;
}
