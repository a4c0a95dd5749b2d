#include "command/inferior.h"

#include "command/process.h"

#include <string.h>

/* A longer stack is cut: runaway recursion, or a corrupt one that never ends. */
#define NATIVES_MAX 200000

/* A core file has not what it shares with the files that were mapped. */
static struct bs_error *hint_at_program(struct bs_error *error) {
    if (!error || error->code != BS_ERROR_NOT_FOUND)
        return error;
    bs_error_destroy(error);
    return bs_error_create(BS_ERROR_NOT_FOUND,
                           "there is no Python interpreter in this core file; if its executable is "
                           "not loaded, load both: `file PROGRAM` and then `core-file CORE` in "
                           "GDB, `target create PROGRAM --core CORE` in LLDB");
}

struct bs_error *bs_inferior_open(const struct bs_host *host, struct bs_inferior *ret) {
    *ret = (struct bs_inferior){.host = host, .memory = {.host = host, .fd = -1}};
    struct bs_error *error = host->state(host->arg, &ret->state);
    if (error)
        return error;
    if (ret->state.kind == BS_HOST_NOTHING)
        return bs_error_create(BS_ERROR_STATE,
                               "there is no process; run the program, attach to one or load a core "
                               "file first");
    bs_memory_init(&ret->memory, host, &ret->state);
    if (ret->state.kind == BS_HOST_LIVE)
        ret->numbered_apart = bs_process_inner_pid(ret->state.pid) != ret->state.pid;
    ret->target = bs_memory_target(&ret->memory);
    error = bs_interpreter_find(&ret->target, &ret->python);
    return ret->state.kind == BS_HOST_CORE ? hint_at_program(error) : error;
}

void bs_inferior_close(struct bs_inferior *inferior) {
    bs_interpreter_deinit(&inferior->python);
    bs_memory_deinit(&inferior->memory);
}

int bs_inferior_python_tid(const struct bs_inferior *inferior, int tid) {
    return inferior->numbered_apart ? bs_process_inner_pid(tid) : tid;
}

int bs_inferior_tid(const struct bs_inferior *inferior, int python_tid) {
    if (!inferior->numbered_apart || !python_tid)
        return python_tid;
    return bs_process_outer_tid(inferior->state.pid, python_tid);
}

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
    if (natives->count == collected->capacity) {
        size_t capacity = collected->capacity ? 2 * collected->capacity : 64;
        void *items = reallocarray(natives->items, capacity, sizeof(*natives->items));
        if (!items) {
            collected->no_memory = true;
            return false;
        }
        natives->items = items;
        collected->capacity = capacity;
    }
    natives->items[natives->count++] = *frame;
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

struct bs_mixed_native *bs_natives_as_mixed(const struct bs_natives *natives) {
    struct bs_mixed_native *mixed = calloc(natives->count + 1, sizeof(*mixed));
    for (size_t i = 0; mixed && i < natives->count; i++)
        mixed[i] = (struct bs_mixed_native){natives->items[i].pc_addr, natives->items[i].cfa_addr};
    return mixed;
}

void bs_natives_deinit(struct bs_natives *natives) {
    free(bs_take(natives->items));
    bs_error_destroy(bs_take(natives->stopped));
}
