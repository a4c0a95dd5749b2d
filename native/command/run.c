#include "command/run.h"

#include "command/call.h"
#include "command/changed.h"
#include "command/fetch.h"
#include "command/outcome.h"
#include "command/output.h"
#include "command/place.h"
#include "command/safety.h"
#include "command/symbolise.h"
#include "command/watch.h"
#include "command/way_back.h"
#include "core/opcodes.h"
#include "inspect/dispatch.h"

#include <errno.h>
#include <string.h>

#define REQUEST_PAGE_BYTES 4096
_Static_assert(sizeof(struct bs_request) <= REQUEST_PAGE_BYTES, "raise REQUEST_PAGE_BYTES");

struct run {
    struct bs_command *command;
    uint32_t flags;
    struct bs_inferior inferior;
    struct bs_place place;
    struct bs_caller caller;
    const struct bs_agent *agent;
    struct bs_progress progress;
    uint64_t shared_addr; /* 0: nothing is running, as far as is known */
    bool lost;            /* a Ctrl-C hid the result of bytesight_start */
};

/* What bytesight_start's negative results mean. */
static const struct {
    int number;
    const char *sentence;
} refusals[] = {
    {EINVAL, BS_AGENT_ANOTHER},
    {ENOMEM, "the process cannot map memory for the trace; lower --max-events and --max-walk, or "
             "raise its limit (ulimit -v, or -l where it locks its memory): it takes tens of "
             "megabytes at the least"},
    {EAGAIN, "the process is at its limit of processes and cannot be cloned; --in-process runs "
             "CALL without a clone"},
    {EBUSY, "a run that another debugger has left behind does not end: let the program go on for a "
            "moment, and try again"},
    {EXDEV, "what the process starts comes into another PID namespace (unshare, setns), of which a "
            "clone must not be a part; --in-process runs CALL without a clone"},
    {EPERM, "the process is not allowed to clone itself; --in-process runs CALL without a clone"},
    {ENOSYS, "the process is not allowed to clone itself; --in-process runs CALL without a clone"},
};

static struct bs_error *refusal(int number) {
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        if (refusals[i].number == number)
            return bs_error_create(BS_ERROR_TARGET, "%s", refusals[i].sentence);
    }
    return bs_error_create(BS_ERROR_TARGET, "the agent could not start the run: %s",
                           strerror(number));
}

static struct bs_error *check_call(const char *call) {
    size_t length = strlen(call);
    if (length > BS_CALL_BYTES_MAX)
        return bs_error_create(BS_ERROR_USAGE,
                               "CALL has %zu bytes, and %d are the most; put it into a function of "
                               "the program",
                               length, BS_CALL_BYTES_MAX);
    return NULL;
}

/* Where the calls are made, if they can be. */
static struct bs_error *choose_place(struct run *run) {
    struct bs_error *error = bs_place_choose(&run->inferior, &run->place);
    return error ? error
                 : bs_safety_options(&run->inferior, run->place.tid, &run->command->options);
}

struct others {
    int tid; /* is none of them */
    bool any;
};

static bool see_thread(void *arg, int tid) {
    struct others *others = arg;
    others->any = tid != others->tid;
    return !others->any;
}

static struct bs_error *tell_of_others(const struct run *run) {
    const struct bs_host *host = run->command->host;
    struct others others = {.tid = run->place.tid};
    struct bs_error *error = host->threads(host->arg, see_thread, &others);
    return error || !others.any
               ? error
               : bs_output_line(run->command, "The other threads were let run while the agent was "
                                              "loaded, and may have moved on");
}

/* The place, the agent, and the place again when loading it let other threads run. */
static struct bs_error *prepare(struct run *run) {
    const struct bs_command *command = run->command;
    bool ran = false;
    struct bs_error *error = choose_place(run);
    if (error)
        return error;
    run->caller = (struct bs_caller){.host = command->host, .tid = run->place.tid};
    error = bs_agent_load(command->session, &run->caller, &run->inferior, &run->agent, &ran);
    if (!error && ran)
        error = tell_of_others(run);
    if (!error && ran)
        error = choose_place(run);
    run->caller.tid = run->place.tid;
    return error;
}

static void fill_opcodes(uint32_t python, struct bs_request *ret) {
    static const char *const names[] = {
#define BS_ROW(name) #name,
        BS_REQUEST_OPCODES(BS_ROW)
#undef BS_ROW
    };
    const struct bs_opcodes *opcodes = bs_opcodes_find(python);
    for (size_t i = 0; opcodes && i < BS_REQUEST_OPCODE_COUNT; i++) {
        int number = bs_opcodes_number(opcodes, names[i]);
        ret->opcodes[i] = number > 0 ? (uint8_t)number : 0;
    }
}

static uint32_t offset_or_none(int32_t field) {
    return field == BS_FIELD_ABSENT ? 0 : (uint32_t)field;
}

static void fill_offsets(const struct bs_layout *layout, struct bs_request *ret) {
    ret->thread_frame = offset_or_none(layout->thread_frame);
    ret->frame_stack_pointer = offset_or_none(layout->frame_stack_pointer);
    ret->frame_slots = offset_or_none(layout->frame_slots);
    ret->interpreter_threads_head = offset_or_none(layout->interpreter_threads_head);
    ret->thread_next = offset_or_none(layout->thread_next);
}

/* Repeating ends well before the timeout does: that is for a CALL that does not end. */
static uint64_t budget_ns(const struct bs_options *options) {
    const uint64_t most_ns = options->timeout_ns / 2;
    return options->budget_ns < most_ns ? options->budget_ns : most_ns;
}

static struct bs_error *fill_request(const struct run *run, struct bs_request *ret) {
    const struct bs_options *options = &run->command->options;
    size_t call_bytes = strlen(run->command->operand), candidates = 0;
    *ret = (struct bs_request){
        .magic = BS_REQUEST_MAGIC,
        .version = BS_REQUEST_VERSION,
        .size_bytes = sizeof(*ret),
        .flags = run->flags | (options->in_process ? BS_REQUEST_IN_PROCESS : 0) |
                 (run->place.holds_gil ? BS_REQUEST_GIL_LOCKED : 0) |
                 (run->place.other_gils ? BS_REQUEST_OTHER_GILS : 0),
        .engine = options->engine,
        .warmups = (uint32_t)options->warmups,
        .repeats = (uint32_t)options->repeats,
        .max_events = (uint32_t)options->max_events,
        .max_walk = (uint32_t)options->max_walk,
        .timeout_ns = options->timeout_ns,
        .budget_ns = budget_ns(options),
        .runtime_addr = run->inferior.python.runtime_addr,
        .gil_addr = run->place.gil_addr,
        .active_state_addr = run->place.active_state_addr,
        .active_ident = run->place.active_ident,
        .thread_state_addr = run->place.thread_state_addr,
        .frame_index = run->place.frame_index,
        .call_bytes = (uint32_t)call_bytes,
    };
    memcpy(ret->call, run->command->operand, call_bytes);
    fill_opcodes(run->inferior.python.python, ret);
    fill_offsets(&run->inferior.python.layout, ret);
    if (!(run->flags & BS_REQUEST_PROFILE) ||
        (options->engine == BS_ENGINE_SETTRACE && !(run->flags & BS_REQUEST_NATIVE)))
        return NULL; /* only the probe and the C walk have a use for the table */
    struct bs_error *error = bs_dispatch_find(&run->inferior.python, ret->candidate, &candidates);
    ret->candidates = (uint32_t)candidates;
    return error;
}

/* Call bytesight_start with a page that is unmapped as soon as it returns. */
static struct bs_error *start(struct run *run) {
    const struct bs_host *host = run->command->host;
    struct bs_request request;
    struct bs_page page = {};
    uint64_t result = 0;
    struct bs_error *error = fill_request(run, &request);
    if (!error)
        error = bs_page_map(&run->caller, REQUEST_PAGE_BYTES, &page);
    if (error)
        return error;
    error = host->write_memory(host->arg, page.addr, &request, sizeof(request));
    if (!error) {
        error = bs_call(&run->caller, run->agent->start_addr, &page.addr, 1, 0, &result);
        run->lost = error && error->code == BS_ERROR_INTERRUPTED;
    }
    if (!error && (int64_t)result <= 0)
        error = refusal(-(int)(int64_t)result);
    else if (!error)
        run->shared_addr = result;
    return bs_error_first(error, bs_page_unmap(&run->caller, &page));
}

/*
 * Whether @p error, which is consumed, left the program in the middle of CALL; then it says so, and
 * the thread is back where it was as far as it can be.
 */
static struct bs_error *leave_half_way(const struct run *run, const struct bs_way_back *way_back,
                                       struct bs_error *error) {
    const struct bs_host *host = run->command->host;
    struct bs_host_state state = {};
    if (!error || error->code != BS_ERROR_HOST)
        return error;
    bs_error_destroy(host->state(host->arg, &state));
    if (state.kind == BS_HOST_NOTHING) /* it has ended */
        return error;
    bs_error_destroy(bs_way_back_write(&run->inferior, way_back));
    return bs_error_reword(
        error,
        "%s, and %s did not come to its end; the program itself ran it and is half-way through "
        "it, though the debugger is back where it was: kill or restart the program",
        error->message, run->command->operand);
}

static struct bs_error *warn_in_process(const struct bs_command *command) {
    if (command->session->warned_in_process)
        return NULL;
    command->session->warned_in_process = true;
    return bs_output_line(command, "Running in the debugged process itself: what the call changes "
                                   "stays changed, and a crash is the program's");
}

/* In process nobody else runs the request. */
static struct bs_error *run_in_process(struct run *run) {
    const struct bs_host *host = run->command->host;
    const uint32_t flags = BS_CALL_ALL_THREADS | BS_CALL_PASS_INTERRUPT;
    struct bs_way_back way_back;
    uint64_t result = 0;
    if (!run->command->options.in_process)
        return NULL;
    if (host->interrupted(host->arg)) /* while it was prepared */
        return &bs_interrupted;
    struct bs_error *error = warn_in_process(run->command);
    if (!error)
        error = bs_way_back_read(&run->inferior, &run->place, &way_back);
    if (error)
        return error;
    error = bs_call(&run->caller, run->agent->run_addr, &run->shared_addr, 1, flags, &result);
    error = leave_half_way(run, &way_back, error);
    return !error && result ? refusal(-(int)(int64_t)result) : error;
}

static bool is_unfinished(void *arg) {
    const struct run *run = arg;
    struct bs_shared shared;
    if (!run->shared_addr)
        return true; /* not known; asking again does no harm */
    struct bs_error *error = bs_shared_read(&run->inferior.memory, run->shared_addr, &shared);
    bool unfinished = !error || error->code == BS_ERROR_INTERRUPTED;
    bs_error_destroy(error);
    return unfinished;
}

/* Reap and unmap; a run whose address got lost is ended by the agent. */
static struct bs_error *finish(struct run *run) {
    if (!run->shared_addr && !run->lost)
        return NULL;
    return bs_call_cleanup(&run->caller, run->agent->finish_addr, &run->shared_addr, 1,
                           is_unfinished, run);
}

static struct bs_error *run_in_inferior(struct run *run, void **ret_image, size_t *ret_length) {
    struct bs_shared shared;
    struct bs_watch watch = {
        .inferior = &run->inferior,
        .progress = &run->progress,
        .timeout_ns = run->command->options.timeout_ns,
    };
    struct bs_error *error = prepare(run);
    if (error)
        return error;
    bs_progress_init(&run->progress, run->command->host);
    error = start(run);
    watch.shared_addr = run->shared_addr;
    if (!error)
        error = run_in_process(run);
    if (!error)
        error = bs_watch(&watch, &shared);
    else if (run->shared_addr) /* started, and something else failed: a second Ctrl-C */
        bs_watch_stop(&watch);
    if (!error)
        error = bs_image_fetch(&run->inferior, &run->progress, run->shared_addr, &shared, ret_image,
                               ret_length);
    if (!error)
        error = bs_symbolise(run->command->host, &run->progress, ret_image, ret_length);
    bs_progress_deinit(&run->progress);
    return bs_error_first(error, finish(run));
}

/* From the image to the trace and the outcome; both may come. */
static struct bs_error *conclude(const struct bs_command *command, void *image, size_t length,
                                 struct bs_trace **ret) {
    const struct bs_image_header header = *(const struct bs_image_header *)image;
    struct bs_trace *trace = NULL;
    struct bs_error *unreadable = bs_trace_create(image, length, &trace);
    struct bs_error *error = bs_outcome_error(command, &header, trace);
    error = bs_error_first(error, unreadable);
    if (error && trace && !trace->event_count)
        bs_trace_destroy(bs_take(trace));
    *ret = trace;
    return error;
}

/* The sources of a trace are what was on disk when it was made. */
static struct bs_error *print_changed(const struct run *run, const struct bs_trace *trace) {
    struct bs_changed changed;
    bs_changed_init(&run->inferior.state, &changed);
    for (size_t i = 0; i < trace->code_count; i++)
        bs_changed_look(&changed, trace->codes[i].code->filename);
    return bs_changed_print(run->command, &changed);
}

struct bs_error *bs_run(struct bs_command *command, uint32_t flags, struct bs_trace **ret) {
    struct run run = {.command = command, .flags = flags};
    void *image = NULL;
    size_t length = 0;
    *ret = NULL;
    struct bs_error *error = check_call(command->operand);
    if (error)
        return error;
    error = bs_inferior_open(command->host, &run.inferior);
    if (!error)
        error = run_in_inferior(&run, &image, &length);
    bs_inferior_close(&run.inferior);
    if (error) {
        free(image);
        return error;
    }
    error = conclude(command, image, length, ret);
    return error ? error : print_changed(&run, *ret);
}
