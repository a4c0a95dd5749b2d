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

/* The same as the request wants it: in the interpreter that runs CALL. */
static struct bs_error *choose_frame(const struct bs_python_place *selected, struct bs_place *ret) {
    const struct bs_thread_stack *stack = &selected->stack;
    ret->frame_index = BS_FRAME_NONE;
    ret->thread_state_addr = ret->code_addr = 0;
    if (!selected->frame)
        return NULL;
    const struct bs_thread *thread = bs_running_of(&stack->running, ret->interpreter_addr);
    if (!thread || selected->frame->interpreter_addr != ret->interpreter_addr)
        return bs_error_create(BS_ERROR_STATE,
                               "the selected frame belongs to another interpreter than the "
                               "innermost, which runs CALL and cannot use its names: select frame "
                               "0, or another thread");
    ret->frame_index =
        bs_frames_index(&stack->frames, (size_t)(selected->frame - stack->frames.items));
    ret->thread_state_addr = thread->state_addr;
    ret->code_addr = selected->frame->code_addr;
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

static struct bs_error *refuse_inside(int tid) {
    return bs_error_create(BS_ERROR_STATE,
                           "thread %d runs a sub-interpreter, where CALL can be run with "
                           "--in-process while that thread is selected and holds the GIL: let it "
                           "go on until Python calls a C function there, or select a thread of the "
                           "main interpreter",
                           tid);
}

/* Of the main interpreter. */
static struct bs_error *main_thread(const struct bs_inferior *inferior, struct bs_place *ret) {
    struct bs_gil gil;
    struct bs_error *error = bs_gil_read(&inferior->python, &gil);
    if (error)
        return error;
    if (gil.in_subinterpreter)
        return bs_error_create(BS_ERROR_STATE,
                               "the thread that holds the GIL runs a sub-interpreter, where CALL "
                               "can be run with --in-process: select that thread; if it is, the "
                               "debugger cannot follow its C stack to Python");
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

/* What runs in @p thread, the selected one's state, is no matter of the main interpreter's lock. */
static struct bs_error *inside_thread(const struct bs_inferior *inferior,
                                      const struct bs_thread *thread, struct bs_place *ret) {
    ret->tid = inferior->state.selected_tid;
    ret->holds_gil = true;
    ret->interpreter_addr = thread->interpreter_addr;
    ret->active_state_addr = thread->state_addr;
    ret->active_ident = thread->ident;
    if (!thread->holds_gil)
        return refuse_inside(ret->tid);
    return bs_gil_lock(&inferior->python, thread->interpreter_addr, &ret->gil_addr);
}

/* Whether what runs innermost on a thread is another interpreter than that of @p addr. */
static bool is_elsewhere(const struct bs_running *running, uint64_t addr) {
    return running->count && running->items[0].thread.interpreter_addr != addr;
}

static struct bs_error *calling_thread(const struct bs_inferior *inferior,
                                       const struct bs_running *selected, struct bs_place *ret) {
    uint64_t main_addr;
    struct bs_error *error = bs_interpreter_main(&inferior->python, &main_addr);
    if (error)
        return error;
    if (is_elsewhere(selected, main_addr))
        return inside_thread(inferior, &selected->items[0].thread, ret);
    ret->interpreter_addr = main_addr;
    ret->active_state_addr = ret->active_ident = 0;
    return main_thread(inferior, ret);
}

/*
 * Before it has written what it runs into its cframe, a call of the evaluator lets Python follow
 * what an earlier one has left there (inspect/cframe.h).
 */
static struct bs_error *check_innermost(int tid, const struct bs_frames *frames) {
    if (!frames->count || frames->items[0].code_addr)
        return NULL;
    return bs_error_create(BS_ERROR_STATE,
                           "thread %d is just entering a Python function, whose frame is not there "
                           "yet: type `stepi` some twenty times, then try again",
                           tid);
}

/* That CALL can be run where @p stack, of the thread that is to run it, stands. */
static struct bs_error *check_stack(const struct bs_inferior *inferior,
                                    const struct bs_evaluator *evaluator,
                                    const struct bs_thread_stack *stack,
                                    const struct bs_place *place) {
    const struct bs_native_stack natives = {stack->natives.items, stack->natives.count, evaluator};
    if (is_elsewhere(&stack->running, place->interpreter_addr))
        return refuse_inside(place->tid);
    struct bs_error *error = bs_safety_thread(inferior, place->tid, place->holds_gil, &natives);
    return error ? error : check_innermost(place->tid, &stack->frames);
}

/* The same of a thread that is not the selected one. */
static struct bs_error *check_other(const struct bs_inferior *inferior,
                                    const struct bs_evaluator *evaluator,
                                    const struct bs_place *place) {
    _cleanup_threads_ struct bs_threads threads = {};
    _cleanup_thread_stack_ struct bs_thread_stack stack = {};
    struct bs_error *error = bs_threads_list(&inferior->python, &threads);
    if (!error)
        error = bs_thread_stack_read(inferior, evaluator, &threads, place->tid, &stack);
    return error ? error : check_stack(inferior, evaluator, &stack, place);
}

struct bs_error *bs_place_choose(const struct bs_inferior *inferior, struct bs_place *ret) {
    _cleanup_evaluator_ struct bs_evaluator evaluator = {};
    _cleanup_python_place_ struct bs_python_place selected = {};
    struct bs_error *error = bs_safety_process(inferior);
    if (!error)
        error = bs_evaluator_find(&inferior->python, &evaluator);
    if (!error)
        error = bs_python_place_find(inferior, &evaluator, &selected);
    if (!error)
        error = calling_thread(inferior, &selected.stack.running, ret);
    if (!error)
        error = ret->tid == inferior->state.selected_tid
                    ? check_stack(inferior, &evaluator, &selected.stack, ret)
                    : check_other(inferior, &evaluator, ret);
    if (!error)
        error = choose_frame(&selected, ret);
    if (!error)
        error = bs_gil_has_others(&inferior->python, ret->gil_addr, &ret->other_gils);
    if (!error && inferior->memory.interrupted)
        error = &bs_interrupted;
    return error;
}
