#include "inspect/cframe.h"

#include "inspect/field.h"

/* The call in whose part of the stack @p addr lies. */
static size_t call_around(const struct bs_evaluator_calls *calls, uint64_t addr) {
    size_t i = 0;
    while (i < calls->count &&
           (addr < calls->items[i].start_addr || addr >= calls->items[i].end_addr))
        i++;
    return i;
}

bool bs_evaluator_calls_hold(const struct bs_evaluator_calls *calls, uint64_t addr) {
    return call_around(calls, addr) < calls->count;
}

/* Whether a call further out than number @p call has its cframe at @p addr. */
static bool is_further_out(const struct bs_evaluator_calls *calls, size_t call, uint64_t addr,
                           uint64_t distance_bytes) {
    for (size_t i = call + 1; i < calls->count; i++) {
        if (calls->items[i].end_addr - distance_bytes == addr)
            return true;
    }
    return false;
}

/* A greenlet begins with a cframe of its own, which is no call's and has the thread's before it. */
static bool begins_greenlet(const struct bs_interpreter *python, uint64_t root_addr,
                            uint64_t addr) {
    uint64_t previous_addr;
    struct bs_error *error = bs_field(python, addr, cframe, previous, &previous_addr);
    bool begins = !error && previous_addr == root_addr;
    bs_error_destroy(error);
    return begins;
}

struct bs_error *bs_cframe_before(const struct bs_interpreter *python, uint64_t thread_state_addr,
                                  uint64_t cframe_addr, const struct bs_evaluator_calls *calls,
                                  struct bs_cframe_before *ret) {
    uint64_t root_addr = thread_state_addr + (uint32_t)python->layout.thread_root_cframe;
    uint64_t previous_addr;
    *ret = (struct bs_cframe_before){};
    struct bs_error *error = bs_field(python, cframe_addr, cframe, previous, &previous_addr);
    size_t call = call_around(calls, cframe_addr);
    if (error || call + 1 >= calls->count)
        return error;
    uint64_t distance_bytes = calls->items[call].end_addr - cframe_addr;
    const struct bs_address_range *before = &calls->items[call + 1];
    if (distance_bytes > before->end_addr - before->start_addr)
        return NULL;
    ret->addr = before->end_addr - distance_bytes;
    ret->denied = previous_addr != ret->addr &&
                  (is_further_out(calls, call + 1, previous_addr, distance_bytes) ||
                   !begins_greenlet(python, root_addr, previous_addr));
    return NULL;
}
