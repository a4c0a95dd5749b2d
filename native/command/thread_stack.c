#include "command/thread_stack.h"

#include "core/grow.h"

/* A longer stack is cut: runaway recursion, or a corrupt one that never ends. */
#define NATIVES_MAX 200000

struct collected {
    struct bs_natives natives;
    size_t capacity;
    bool no_memory;
};

static bool collect_native(void *arg, const struct bs_native_frame *frame) {
    struct collected *collected = arg;
    struct bs_natives *natives = &collected->natives;
    if (natives->count == NATIVES_MAX)
        return false;
    struct bs_native_frame *items =
        bs_grow(natives->items, natives->count, &collected->capacity, sizeof(*items));
    collected->no_memory = !items;
    if (!items)
        return false;
    natives->items = items;
    items[natives->count++] = *frame;
    return true;
}

struct bs_error *bs_natives_walk(const struct bs_host *host, int tid, struct bs_natives *ret) {
    struct collected collected = {};
    struct bs_error *error = host->walk(host->arg, tid, collect_native, &collected);
    if (!error && collected.no_memory)
        error = &bs_enomem;
    if (error && (error == &bs_enomem || error->code == BS_ERROR_INTERRUPTED)) {
        bs_natives_deinit(&collected.natives);
        return error;
    }
    collected.natives.stopped = error;
    *ret = collected.natives;
    return NULL;
}

void bs_natives_deinit(struct bs_natives *natives) {
    free(bs_take(natives->items));
    bs_error_destroy(bs_take(natives->stopped));
}

/* What stands on the C stack @p stack->natives, of it and merged with it. */
static struct bs_error *merge(const struct bs_inferior *inferior,
                              const struct bs_evaluator *evaluator,
                              const struct bs_threads *threads, int tid,
                              struct bs_thread_stack *stack) {
    const struct bs_interpreter *python = &inferior->python;
    const struct bs_native_stack natives = {stack->natives.items, stack->natives.count, evaluator};
    struct bs_error *error = bs_mixed_running(
        python, &natives, threads, bs_inferior_python_tid(inferior, tid), &stack->running);
    if (!error)
        error = bs_mixed_frames(python, &natives, &stack->running, &stack->frames);
    if (!error)
        error = bs_mixed_merge(python, &natives, &stack->frames, &stack->mixed);
    return error;
}

struct bs_error *bs_thread_stack_read(const struct bs_inferior *inferior,
                                      const struct bs_evaluator *evaluator,
                                      const struct bs_threads *threads, int tid,
                                      struct bs_thread_stack *ret) {
    struct bs_thread_stack stack = {};
    struct bs_error *error = bs_natives_walk(inferior->host, tid, &stack.natives);
    if (!error)
        error = merge(inferior, evaluator, threads, tid, &stack);
    if (error)
        bs_thread_stack_deinit(&stack);
    else
        *ret = stack;
    return error;
}

void bs_thread_stack_deinit(struct bs_thread_stack *stack) {
    bs_natives_deinit(&stack->natives);
    bs_frames_deinit(&stack->frames);
    bs_mixed_deinit(&stack->mixed);
}
