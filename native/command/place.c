#include "command/place.h"

#include "command/safety.h"
#include "format/request.h"
#include "inspect/gil.h"

struct bs_error *bs_python_place_find(const struct bs_inferior *inferior,
                                      const struct bs_evaluator *evaluator,
                                      struct bs_python_place *ret) {
    const struct bs_host_state *state = &inferior->state;
    _cleanup_threads_ struct bs_threads threads = {};
    struct bs_python_place place = {};
    struct bs_error *error = bs_threads_list(&inferior->python, &threads);
    if (!error)
        error =
            bs_thread_stack_read(inferior, evaluator, &threads, state->selected_tid, &place.stack);
    if (error)
        return error;
    const size_t item =
        bs_mixed_nearest(&place.stack.mixed, &place.stack.frames, state->selected_level);
    place.frame = item == SIZE_MAX ? NULL : &place.stack.frames.items[item];
    *ret = place;
    return NULL;
}

void bs_python_place_deinit(struct bs_python_place *place) {
    bs_thread_stack_deinit(&place->stack);
}

/* The same as the request wants it: in the main interpreter, where CALL is run. */
static struct bs_error *choose_frame(const struct bs_inferior *inferior,
                                     const struct bs_evaluator *evaluator, struct bs_place *ret) {
    _cleanup_python_place_ struct bs_python_place place = {};
    uint64_t main_addr;
    struct bs_error *error = bs_interpreter_main(&inferior->python, &main_addr);
    if (!error)
        error = bs_python_place_find(inferior, evaluator, &place);
    if (error)
        return error;
    ret->frame_index = BS_FRAME_NONE;
    ret->thread_state_addr = ret->code_addr = 0;
    if (!place.frame)
        return NULL;
    const struct bs_thread *thread = bs_running_of(&place.stack.running, main_addr);
    if (!thread || place.frame->interpreter_addr != main_addr)
        return bs_error_create(BS_ERROR_STATE,
                               "the selected frame belongs to a sub-interpreter, whose names CALL "
                               "cannot use: select a frame of the main one, or another thread");
    ret->frame_index =
        bs_frames_index(&place.stack.frames, (size_t)(place.frame - place.stack.frames.items));
    ret->thread_state_addr = thread->state_addr;
    ret->code_addr = place.frame->code_addr;
    return NULL;
}

/* Any Python thread, the selected one first, then the main one; none of them holds the GIL. */
static struct bs_error *idle_thread(const struct bs_inferior *inferior, int *ret_tid) {
    _cleanup_threads_ struct bs_threads threads = {};
    const int wanted[] = {inferior->state.selected_tid, inferior->state.pid};
    struct bs_error *error = bs_threads_list(&inferior->python, &threads);
    if (error)
        return error;
    for (size_t i = 0; i < 2; i++) {
        if (bs_threads_by_tid(&threads, bs_inferior_python_tid(inferior, wanted[i]))) {
            *ret_tid = wanted[i];
            return NULL;
        }
    }
    for (size_t i = 0; i < threads.count; i++) {
        *ret_tid = bs_inferior_tid(inferior, threads.items[i].tid);
        if (*ret_tid)
            return NULL;
    }
    return bs_error_create(BS_ERROR_STATE,
                           "no thread of process %d is a Python thread; let it run on, and stop "
                           "it where Python code runs",
                           inferior->state.pid);
}

static struct bs_error *calling_thread(const struct bs_inferior *inferior, struct bs_place *ret) {
    struct bs_gil gil;
    struct bs_error *error = bs_gil_read(&inferior->python, &gil);
    if (error)
        return error;
    if (gil.in_subinterpreter)
        return bs_error_create(BS_ERROR_STATE,
                               "the thread that holds the GIL " BS_SAFETY_SUBINTERPRETER);
    ret->holds_gil = gil.locked;
    ret->gil_addr = gil.lock_addr;
    if (!gil.locked)
        return idle_thread(inferior, &ret->tid);
    ret->tid = bs_inferior_tid(inferior, gil.tid);
    if (!ret->tid)
        return bs_error_create(BS_ERROR_STATE,
                               "it cannot be told which thread holds the GIL (Python's number of "
                               "it is 0x%llx); let the process run on, and stop it elsewhere",
                               (unsigned long long)gil.ident);
    return NULL;
}

struct bs_error *bs_place_choose(const struct bs_inferior *inferior, struct bs_place *ret) {
    _cleanup_evaluator_ struct bs_evaluator evaluator = {};
    struct bs_error *error = bs_safety_process(inferior);
    if (!error)
        error = calling_thread(inferior, ret);
    if (!error)
        error = bs_evaluator_find(&inferior->python, &evaluator);
    if (!error)
        error = bs_safety_interpreter(inferior, ret->tid, &evaluator);
    if (!error)
        error = bs_safety_thread(inferior, ret->tid, ret->holds_gil, &evaluator);
    if (!error)
        error = choose_frame(inferior, &evaluator, ret);
    if (!error)
        error = bs_gil_has_others(&inferior->python, ret->gil_addr, &ret->other_gils);
    if (!error && inferior->memory.interrupted)
        error = &bs_interrupted;
    return error;
}
