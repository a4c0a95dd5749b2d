#include "inspect/gil.h"

#include "inspect/field.h"
#include "inspect/threads.h"

/*
 * Before 3.12 the lock tells the state that took it last, but its thread goes over to a state of
 * another interpreter without taking it anew (PyThreadState_Swap), and the first may be gone then.
 */
static struct bs_error *read_current(const struct bs_interpreter *python, uint64_t *holder_addr) {
    uint64_t current_addr = 0;
    struct bs_error *error = NULL;
    if (bs_has_field(python, runtime, current))
        error = bs_field(python, python->runtime_addr, runtime, current, &current_addr);
    if (!error && current_addr)
        *holder_addr = current_addr;
    return error;
}

struct bs_error *bs_gil_lock(const struct bs_interpreter *python, uint64_t interpreter_addr,
                             uint64_t *ret_addr) {
    if (!bs_has_field(python, runtime, gil))
        return bs_field(python, interpreter_addr, interpreter, gil, ret_addr);
    *ret_addr = python->runtime_addr + (uint32_t)python->layout.runtime_gil;
    return NULL;
}

struct bs_error *bs_gil_has_others(const struct bs_interpreter *python, uint64_t lock_addr,
                                   bool *ret) {
    uint64_t interpreter_addr;
    struct bs_error *error =
        bs_field(python, python->runtime_addr, runtime, interpreters_head, &interpreter_addr);
    *ret = false;
    for (size_t i = 0; !error && interpreter_addr && !*ret && i < BS_INTERPRETERS_MAX; i++) {
        uint64_t other_addr;
        error = bs_gil_lock(python, interpreter_addr, &other_addr);
        if (!error)
            *ret = other_addr != lock_addr;
        if (!error)
            error = bs_field(python, interpreter_addr, interpreter, next, &interpreter_addr);
    }
    return error;
}

struct bs_error *bs_gil_holder(const struct bs_interpreter *python, uint64_t interpreter_addr,
                               uint64_t *ret_state_addr) {
    uint64_t gil_addr, locked, holder_addr;
    struct bs_error *error = bs_gil_lock(python, interpreter_addr, &gil_addr);
    *ret_state_addr = 0;
    if (error || !gil_addr)
        return error;
    error = bs_field(python, gil_addr, gil, locked, &locked);
    if (!error)
        error = bs_field(python, gil_addr, gil, holder, &holder_addr);
    if (!error)
        error = read_current(python, &holder_addr);
    /* 0 is free, -1 (as an int) is not made yet. */
    if (!error && locked == 1)
        *ret_state_addr = holder_addr;
    return error;
}

struct bs_error *bs_gil_read(const struct bs_interpreter *python, struct bs_gil *ret) {
    struct bs_gil gil = {};
    struct bs_thread thread;
    uint64_t main_addr;
    struct bs_error *error = bs_interpreter_main(python, &main_addr);
    if (!error && main_addr)
        error = bs_gil_lock(python, main_addr, &gil.lock_addr);
    if (!error && gil.lock_addr)
        error = bs_gil_holder(python, main_addr, &gil.state_addr);
    if (!error && gil.state_addr) {
        error = bs_thread_read(python, gil.state_addr, &thread);
        gil.locked = true;
    }
    if (error)
        return bs_error_prefix(error, "the GIL");
    if (gil.locked) {
        gil.in_subinterpreter = thread.interpreter_addr != main_addr;
        gil.ident = thread.ident;
        gil.tid = thread.tid;
    }
    *ret = gil;
    return NULL;
}
