/*
 * Python frames at every machine instruction with which an evaluator call begins, and at those of
 * some calls up to their end: there the interpreter's own structures are half made, and what they
 * lead to is what happened to lie on the C stack.
 */
#include "check.h"
#include "inspect/field.h"
#include "inspect/mixed.h"
#include "inspect/object.h"
#include "machine.h"
#include "process.h"
#include "process_host.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CALLS       60 /* BYTESIGHT_STOPS in the environment: another number */
#define BEGIN_STEPS 30 /* all builds are past the last store by then, and have called nothing */
#define FEW_STEPS   60
#define WHOLE_STEPS 1500
#define WHOLE_EVERY 15 /* of so many calls one is stepped up to WHOLE_STEPS */

struct stepped {
    struct process_host *host;
    struct bs_interpreter python;
    struct bs_thread thread;
    struct bs_evaluator evaluator;
    struct bs_frames callers; /* before the call */
    uint64_t code_addr;       /* of the call */
    uint64_t sp, return_addr;
    size_t steps, unknown, leftover, late;
};

struct natives {
    struct bs_native_frame items[1024];
    size_t count;
};

static bool take_native(void *arg, const struct bs_native_frame *frame) {
    struct natives *natives = arg;
    natives->items[natives->count++] = *frame;
    return natives->count < sizeof(natives->items) / sizeof(*natives->items);
}

/* The frames as they can be told now. */
static bool read_frames(struct stepped *stepped, struct bs_frames *ret) {
    static struct natives natives;
    const struct bs_host *host = &stepped->host->host;
    const struct bs_running running = {
        .items = {{.thread = stepped->thread, .end_addr = UINT64_MAX}}, .count = 1};
    natives.count = 0;
    if (!CHECK_OK(host->walk(host->arg, stepped->thread.tid, take_native, &natives)))
        return false;
    const struct bs_native_stack stack = {natives.items, natives.count, &stepped->evaluator};
    return CHECK_OK(bs_mixed_frames(&stepped->python, &stack, &running, ret));
}

/* What the function that is about to run was given: (tstate, frame, throwflag). */
static bool enter(struct stepped *stepped) {
    const struct bs_target *target = &stepped->host->host.target;
    struct user_regs_struct now;
    uint64_t at_sp;
    int tid = stepped->host->state.pid;
    if (!CHECK(process_host_run_to(stepped->host, tid, stepped->python.eval_addr)) ||
        !CHECK(process_host_registers(stepped->host, tid, &now)) ||
        !CHECK_OK(target->read(target->arg, machine_sp(&now), &at_sp, sizeof(at_sp))) ||
        !CHECK_OK(bs_field(&stepped->python, machine_argument(&now, 1), frame, code,
                           &stepped->code_addr)))
        return false;
    stepped->code_addr &= ~BS_REFERENCE_TAG_MASK;
    stepped->sp = machine_sp(&now);
    stepped->return_addr = machine_return_addr(&now, at_sp);
    bs_frames_deinit(&stepped->callers);
    return read_frames(stepped, &stepped->callers) && CHECK_OK(bs_take(stepped->callers.stopped));
}

static void show(const struct bs_frames *frames) {
    for (size_t i = 0; i < frames->count; i++)
        printf("    frame 0x%" PRIx64 " of code 0x%" PRIx64 ", called at 0x%" PRIx64 "%s\n",
               frames->items[i].frame_addr, frames->items[i].code_addr,
               frames->items[i].native_addr, frames->items[i].is_entry ? ", entry" : "");
}

/* Whether the last of @p frames are the callers, in their calls. */
static bool has_callers(const struct bs_frames *frames, const struct bs_frames *callers) {
    if (frames->stopped || frames->count < callers->count)
        return false;
    const struct bs_frame *last = frames->items + (frames->count - callers->count);
    for (size_t i = 0; i < callers->count; i++) {
        if (last[i].frame_addr != callers->items[i].frame_addr ||
            last[i].native_addr != callers->items[i].native_addr)
            return false;
    }
    return true;
}

/*
 * The callers are there; and while a call begins no frame but its own. What an earlier call has
 * left there may fit in by chance, which is rare.
 */
static bool check_frames(struct stepped *stepped, bool begins) {
    _cleanup_frames_ struct bs_frames frames = {};
    const struct bs_frames *callers = &stepped->callers;
    if (!read_frames(stepped, &frames))
        return false;
    if (!has_callers(&frames, callers)) {
        stepped->late++;
        return machine.callers_come_late ||
               (CHECK_OK(bs_take(frames.stopped)) && CHECK(!"the callers are there"));
    }
    size_t own = frames.count - callers->count;
    bool unknown = own && !frames.items[0].code_addr;
    bool known = own && frames.items[0].code_addr == stepped->code_addr;
    stepped->unknown += unknown;
    stepped->leftover += begins && own && (own > 1 || (!unknown && !known));
    return true;
}

/* Up to @p limit instructions, but not past the end of the call. */
static bool step_call(struct stepped *stepped, size_t limit) {
    struct user_regs_struct now;
    int tid = stepped->host->state.pid;
    for (size_t i = 0; i < limit; i++) {
        if (!CHECK(process_host_step(stepped->host, tid)) ||
            !CHECK(process_host_registers(stepped->host, tid, &now)))
            return false;
        if (machine_pc(&now) == stepped->return_addr && machine_sp(&now) >= stepped->sp)
            return true;
        stepped->steps++;
        if (!check_frames(stepped, i < BEGIN_STEPS)) {
            printf("  at instruction %zu of the call, 0x%" PRIx64 "; before it:\n", i + 1,
                   machine_pc(&now));
            show(&stepped->callers);
            return false;
        }
    }
    return true;
}

static bool step_calls(struct stepped *stepped, size_t wanted) {
    const struct bs_target *target = &stepped->host->host.target;
    struct bs_threads threads = {};
    unsigned int seed = 3;
    if (!CHECK_OK(bs_interpreter_find(target, &stepped->python)) ||
        !CHECK_OK(bs_evaluator_find(&stepped->python, &stepped->evaluator)) ||
        !CHECK_OK(bs_threads_list(&stepped->python, &threads)) || !CHECK_EQ(threads.count, 1))
        return false;
    stepped->thread = threads.items[0];
    stepped->thread.tid = stepped->host->state.pid;
    bs_threads_deinit(&threads);
    for (size_t i = 0; i < wanted; i++) {
        process_host_run(stepped->host, 1 + (unsigned int)rand_r(&seed) % 5);
        if (!enter(stepped) || !step_call(stepped, i % WHOLE_EVERY ? FEW_STEPS : WHOLE_STEPS))
            return false;
    }
    return true;
}

static void steps_of(const struct interpreter *interpreter) {
    const char *wanted = getenv("BYTESIGHT_STOPS");
    struct stepped stepped = {};
    struct process process;
    if (process_start(&process, interpreter, "busy.py", NULL) &&
        CHECK(process_read(&process) != NULL) &&
        CHECK((stepped.host = process_host_attach(process.pid)) != NULL)) {
        step_calls(&stepped, wanted ? strtoul(wanted, NULL, 10) : CALLS);
        printf("  %zu instructions; the frame that begins was not known at %zu of them, another "
               "was taken for it at %zu; its callers were not known at %zu\n",
               stepped.steps, stepped.unknown, stepped.leftover, stepped.late);
        CHECK(stepped.leftover <= stepped.steps / 50);
        CHECK(stepped.late <= stepped.steps / 20);
        process_host_detach(stepped.host);
    }
    bs_frames_deinit(&stepped.callers);
    bs_evaluator_deinit(&stepped.evaluator);
    bs_interpreter_deinit(&stepped.python);
    process_end(&process);
}

TEST(inspect_steps, callers_are_seen_at_every_instruction_of_a_call) {
    interpreters_each(steps_of);
}
