#include "core/trace.h"

#include "core/calls.h"
#include "core/cleanup.h"
#include "core/merge.h"
#include "core/text.h"

#include <math.h>
#include <string.h>

/* Some thirty thousand years: what is above it was not measured, and would not fit an int64_t. */
#define TIME_NS_MAX    1e18
#define EXECUTIONS_MAX 1e12

static struct bs_error *corrupt(const char *what) {
    return bs_error_create(BS_ERROR_CORRUPT, "the trace is damaged: %s", what);
}

static bool good_time(double ns) {
    return ns >= 0 && ns <= TIME_NS_MAX; /* false for NaN */
}

static struct bs_error *check_identity(const struct bs_trace *trace) {
    const struct bs_image_header *header = trace->image;
    if (trace->length < offsetof(struct bs_image_header, flags))
        return corrupt("it is shorter than its header");
    if (header->magic != BS_IMAGE_MAGIC)
        return corrupt("it does not begin as a trace does");
    if (header->version != BS_IMAGE_VERSION)
        return bs_error_create(BS_ERROR_UNSUPPORTED,
                               "the trace has format %u, and this bytesight reads %u: it needs the "
                               "bytesight that made it",
                               header->version, BS_IMAGE_VERSION);
    if (header->header_bytes != sizeof(*header))
        return corrupt("bad size of the header");
    if (trace->length < sizeof(*header))
        return corrupt("it is shorter than its header");
    return NULL;
}

static struct bs_error *check_header(const struct bs_trace *trace) {
    struct bs_error *err = check_identity(trace);
    if (err)
        return err;
    const struct bs_image_header *header = trace->image;
    const double times[] = {
        header->uninstrumented_ns, header->uninstrumented_median_ns,
        header->instrumented_ns,   header->elapsed_ns,
        header->overhead_ns,       header->overhead_spread_ns,
        header->clock_step_ns,     header->entry_ns,
    };
    for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
        if (!good_time(times[i]))
            return corrupt("a time in its header is not a number");
    }
    if (header->flags & ~(uint32_t)BS_IMAGE_FLAGS_KNOWN)
        return corrupt("unknown flags");
    if (header->engine > BS_ENGINE_SETTRACE)
        return corrupt("unknown engine");
    if (header->clock > BS_CLOCK_TSC)
        return corrupt("unknown clock");
    if (header->outcome > BS_OUTCOME_INTERRUPTED)
        return corrupt("unknown outcome");
    return NULL;
}

/* The records of one section: *ret_count of them, of @p size bytes each. */
static struct bs_error *take_section(const struct bs_trace *trace, enum bs_section_kind kind,
                                     size_t size, const void **ret, size_t *ret_count) {
    static const char *const names[BS_SECTION_COUNT] = {"EVENTS", "STEPS",   "CODES", "HEAP",
                                                        "CALLS",  "SYMBOLS", "COUNTS"};
    const struct bs_section *section = &trace->header->sections[kind];
    const char *problem = NULL;
    if (section->offset_bytes % BS_IMAGE_ALIGNMENT)
        problem = "is not aligned";
    else if (section->used_bytes > section->capacity_bytes)
        problem = "is fuller than its room";
    else if (section->used_bytes && (section->offset_bytes < sizeof(*trace->header) ||
                                     section->offset_bytes > trace->length ||
                                     section->used_bytes > trace->length - section->offset_bytes))
        problem = "lies outside of it";
    else if (section->used_bytes % size)
        problem = "ends in half a record";
    else if (section->used_bytes / size >= UINT32_MAX)
        problem = "has too many records";
    if (problem)
        return bs_error_create(BS_ERROR_CORRUPT, "the trace is damaged: section %s %s", names[kind],
                               problem);
    *ret_count = section->used_bytes / size;
    *ret = section->used_bytes ? (const char *)trace->image + section->offset_bytes : NULL;
    return NULL;
}

static struct bs_error *take_sections(struct bs_trace *trace, const uint32_t **ret_code_offsets) {
    const void *records[BS_SECTION_COUNT];
    size_t count_count;
    const struct {
        size_t size;
        size_t *ret_count;
    } sections[BS_SECTION_COUNT] = {
        [BS_SECTION_EVENTS] = {sizeof(*trace->events), &trace->event_count},
        [BS_SECTION_STEPS] = {sizeof(*trace->steps), &trace->step_count},
        [BS_SECTION_CODES] = {sizeof(**ret_code_offsets), &trace->code_count},
        [BS_SECTION_HEAP] = {1, &trace->heap.length},
        [BS_SECTION_CALLS] = {sizeof(*trace->calls), &trace->call_count},
        [BS_SECTION_SYMBOLS] = {sizeof(*trace->symbols), &trace->symbol_count},
        [BS_SECTION_COUNTS] = {sizeof(*trace->counts), &count_count},
    };
    for (int kind = 0; kind < BS_SECTION_COUNT; kind++) {
        struct bs_error *err = take_section(trace, kind, sections[kind].size, &records[kind],
                                            sections[kind].ret_count);
        if (err)
            return err;
    }
    if (count_count && count_count != trace->step_count)
        return corrupt("there is not one count per step");
    trace->events = records[BS_SECTION_EVENTS];
    trace->steps = records[BS_SECTION_STEPS];
    trace->heap.data = records[BS_SECTION_HEAP];
    trace->calls = records[BS_SECTION_CALLS];
    trace->symbols = records[BS_SECTION_SYMBOLS];
    trace->counts = records[BS_SECTION_COUNTS];
    *ret_code_offsets = records[BS_SECTION_CODES];
    return NULL;
}

/* Who shows times or C functions asks for opcodes, whether or not there is any code. */
static struct bs_error *check_python(const struct bs_trace *trace) {
    const struct bs_image_header *header = trace->header;
    const bool may_be_any = !trace->call_count && !(header->flags & BS_IMAGE_TIMED);
    return may_be_any ? NULL : bs_decode_check(header->python);
}

/* Bytes that a description takes in the heap, at least. */
static size_t described_bytes(const struct bs_code *code) {
    return code->bytecode.length + 8 * code->source_count +
           4 * (code->consts.count + code->names.count + code->locals.count);
}

/*
 * Descriptions that lay on top of each other could make a small image decode into a big model, so
 * together they must not be larger than the heap.
 */
static struct bs_error *decode_codes(struct bs_trace *trace, const uint32_t *offsets) {
    struct bs_trace_code *codes = calloc(trace->code_count + 1, sizeof(*codes));
    size_t described = 0, count = trace->code_count;
    struct bs_error *err = NULL;
    if (!codes)
        return &bs_enomem;
    trace->codes = codes;
    trace->code_count = 0;
    while (trace->code_count < count && !err) {
        struct bs_trace_code *code = &codes[trace->code_count];
        err = bs_heap_code(&trace->heap, offsets[trace->code_count], trace->header->python,
                           &code->code);
        if (err)
            return bs_error_prefix(err, "the trace is damaged");
        trace->code_count++;
        described += described_bytes(code->code);
        if (described > trace->heap.length)
            return corrupt("its code objects overlap");
        err = bs_decode(code->code, &code->instructions);
        code->first = trace->instruction_count;
        trace->instruction_count += code->instructions.count;
    }
    return err;
}

static struct bs_error *check_texts(const struct bs_trace *trace) {
    const struct bs_image_header *header = trace->header;
    const uint32_t offsets[] = {header->target_text, header->engine_text, header->function_text,
                                header->walk_text};
    struct bs_text text;
    struct bs_raised raised;
    struct bs_error *err = NULL;
    for (size_t i = 0; i < sizeof(offsets) / sizeof(*offsets) && !err; i++)
        err = bs_heap_string(&trace->heap, offsets[i], &text);
    if (!err)
        err = header->outcome == BS_OUTCOME_RAISED
                  ? bs_heap_raised(&trace->heap, header->outcome_text, &raised)
                  : bs_heap_string(&trace->heap, header->outcome_text, &text);
    return err ? bs_error_prefix(err, "the trace is damaged") : NULL;
}

/* What is wrong with @p event, or NULL. */
static const char *event_problem(const struct bs_trace *trace, const struct bs_event *event) {
    struct bs_text text;
    struct bs_raised raised;
    struct bs_error *err = NULL;
    if (event->kind < BS_EVENT_CALL || event->kind > BS_EVENT_STOP)
        return "unknown kind";
    if (event->kind == BS_EVENT_STOP)
        return event == trace->events + trace->event_count - 1 ? NULL : "a stop before the end";
    if (event->code >= trace->code_count)
        return "no such code";
    if (event->kind == BS_EVENT_OPCODE &&
        !bs_instruction_at(&trace->codes[event->code].instructions, event->offset_units))
        return "no instruction at its offset";
    if (event->kind == BS_EVENT_RETURN)
        err = bs_heap_string(&trace->heap, event->text, &text);
    else if (event->kind == BS_EVENT_EXCEPTION)
        err = bs_heap_raised(&trace->heap, event->text, &raised);
    bs_error_destroy(err);
    return err ? "no text at its offset" : NULL;
}

static struct bs_error *check_events(struct bs_trace *trace) {
    for (size_t i = 0; i < trace->event_count; i++) {
        const char *problem = event_problem(trace, &trace->events[i]);
        if (problem)
            return bs_error_create(BS_ERROR_CORRUPT, "the trace is damaged: event %zu: %s", i + 1,
                                   problem);
        trace->opcode_count += trace->events[i].kind == BS_EVENT_OPCODE;
    }
    return NULL;
}

static const char *step_problem(const struct bs_trace *trace, const struct bs_step *step) {
    if (step->code >= trace->code_count)
        return "no such code";
    if (!bs_instruction_at(&trace->codes[step->code].instructions, step->offset_units))
        return "no instruction at its offset";
    if (!good_time(step->min_ns) || !good_time(step->median_ns) || !good_time(step->mean_ns))
        return "its time is not a number";
    return NULL;
}

static bool good_count(double count) {
    return count >= 0 && count <= EXECUTIONS_MAX; /* false for NaN */
}

static struct bs_error *check_steps(const struct bs_trace *trace) {
    for (size_t i = 0; i < trace->step_count; i++) {
        const char *problem = step_problem(trace, &trace->steps[i]);
        if (!problem && trace->counts && !good_count(trace->counts[i]))
            problem = "its count is not a number";
        if (problem)
            return bs_error_create(BS_ERROR_CORRUPT, "the trace is damaged: step %zu: %s", i + 1,
                                   problem);
    }
    return NULL;
}

static struct bs_error *check_all(struct bs_trace *trace) {
    const uint32_t *code_offsets;
    struct bs_error *err = check_header(trace);
    if (err)
        return err;
    trace->header = trace->image;
    if ((err = take_sections(trace, &code_offsets)) || (err = check_python(trace)) ||
        (err = decode_codes(trace, code_offsets)) || (err = check_texts(trace)) ||
        (err = check_events(trace)) || (err = check_steps(trace)))
        return err;
    err = bs_merge_init(trace);
    return err ? err : bs_calls_create(trace, &trace->walk);
}

struct bs_error *bs_trace_create(void *image, size_t length, struct bs_trace **ret) {
    struct bs_trace *trace = calloc(1, sizeof(*trace));
    if (!trace) {
        free(image);
        return &bs_enomem;
    }
    trace->image = image;
    trace->length = length;
    struct bs_error *err = check_all(trace);
    if (err) {
        bs_trace_destroy(trace);
        return err;
    }
    *ret = trace;
    return NULL;
}

void bs_trace_destroy(struct bs_trace *trace) {
    if (!trace)
        return;
    for (size_t i = 0; trace->codes && i < trace->code_count; i++) {
        bs_instructions_deinit((struct bs_instructions *)&trace->codes[i].instructions);
        free(trace->codes[i].code);
    }
    free((void *)trace->codes);
    bs_calls_destroy(trace->walk);
    bs_merge_deinit(&trace->merge);
    free(trace->image);
    free(trace);
}

struct bs_text bs_trace_text(const struct bs_trace *trace, uint32_t offset) {
    struct bs_text text = {"", 0};
    bs_error_destroy(bs_heap_string(&trace->heap, offset, &text));
    return text;
}

struct bs_raised bs_trace_raised(const struct bs_trace *trace, uint32_t offset) {
    struct bs_raised raised = {{"", 0}, {"", 0}};
    bs_error_destroy(bs_heap_raised(&trace->heap, offset, &raised));
    return raised;
}

/* Of "pkg.mod:Class.method(obj, k=1)": "Class.method". */
static struct bs_text callee(struct bs_text target) {
    const char *open = memchr(target.data, '(', target.length);
    if (open)
        target.length = (size_t)(open - target.data);
    const char *colon = memchr(target.data, ':', target.length);
    if (colon) {
        target.length -= (size_t)(colon + 1 - target.data);
        target.data = colon + 1;
    }
    return target;
}

struct bs_text bs_trace_name(const struct bs_trace *trace) {
    if (trace->header->function_text)
        return bs_trace_text(trace, trace->header->function_text);
    if (trace->event_count && trace->events[0].kind == BS_EVENT_CALL)
        return trace->codes[trace->events[0].code].code->qualname;
    return callee(bs_trace_text(trace, trace->header->target_text));
}

bool bs_trace_is_cut(const struct bs_trace *trace, struct bs_trace_cut *ret) {
    const struct bs_image_header *header = trace->header;
    const size_t count = trace->event_count;
    const uint64_t seen = header->events_seen > count ? header->events_seen : count;
    const bool stopped = count && trace->events[count - 1].kind == BS_EVENT_STOP;
    *ret = (struct bs_trace_cut){count - stopped, seen - stopped, header->flags & BS_IMAGE_FULL};
    return header->flags & BS_IMAGE_EVENTS_LOST;
}

struct bs_text bs_trace_source(const struct bs_trace *trace, const struct bs_event *event) {
    const struct bs_text *source = bs_code_source(trace->codes[event->code].code, event->line);
    return source ? *source : bs_text_of("<source not available>");
}

const struct bs_instruction *bs_trace_instruction(const struct bs_trace *trace,
                                                  const struct bs_event *event) {
    return bs_instruction_at(&trace->codes[event->code].instructions, event->offset_units);
}

const struct bs_step *bs_trace_steps(const struct bs_trace *trace, size_t index,
                                     size_t *ret_count) {
    const struct bs_merge *merge = &trace->merge;
    uint32_t first = merge->first_step ? merge->first_step[index] : UINT32_MAX;
    *ret_count = 0;
    if (first == UINT32_MAX)
        return NULL;
    if (index >= merge->ordered_events)
        *ret_count = 1;
    else
        *ret_count = (index + 1 < merge->ordered_events ? merge->first_step[index + 1]
                                                        : merge->ordered_end) -
                     first;
    return *ret_count ? &trace->steps[first] : NULL;
}

/* Of jumps, only 3.11's FOR_ITER_RANGE and those to NOT_TAKEN (3.14) do the work of the next. */
static bool may_run_with(const struct bs_trace *trace, const struct bs_instruction *above,
                         const struct bs_instruction *instruction) {
    if (!above || above + 1 != instruction)
        return false;
    return !above->has_jump || above->specialized != above->opcode ||
           !strcmp(bs_opcode_name(trace->header->python, instruction->opcode), "NOT_TAKEN");
}

enum bs_timed bs_trace_timed(const struct bs_trace *trace, size_t index,
                             const struct bs_instruction **above) {
    const struct bs_event *event = &trace->events[index];
    const struct bs_instruction *before = *above;
    size_t count;
    if (event->kind != BS_EVENT_OPCODE) {
        if (event->kind != BS_EVENT_LINE)
            *above = NULL;
        return BS_TIMED_ALONE;
    }
    *above = bs_trace_instruction(trace, event);
    if (bs_trace_steps(trace, index, &count))
        return BS_TIMED_ALONE;
    if (may_run_with(trace, before, *above))
        return BS_TIMED_WITH_ABOVE;
    *above = NULL;
    return BS_TIMED_NOT;
}

/*
 * The step of the instruction itself: the last of its code that does not stand before it, as what
 * makes a generator of a function does in a function that calls itself.
 */
static const struct bs_step *own_step(const struct bs_trace *trace, size_t index) {
    const struct bs_event *event = &trace->events[index];
    size_t count;
    const struct bs_step *steps = bs_trace_steps(trace, index, &count);
    for (size_t i = count; i-- > 0;) {
        if (steps[i].code == event->code && steps[i].offset_units >= event->offset_units)
            return &steps[i];
    }
    return steps ? &steps[count - 1] : NULL;
}

uint8_t bs_trace_opcode(const struct bs_trace *trace, size_t index) {
    const struct bs_step *step = own_step(trace, index);
    if (step && trace->header->engine == BS_ENGINE_PROBE)
        return step->opcode;
    return bs_trace_instruction(trace, &trace->events[index])->specialized;
}

uint8_t bs_trace_other_opcode(const struct bs_trace *trace, size_t index) {
    const struct bs_step *step = own_step(trace, index);
    return step ? (uint8_t)step->other_opcode : 0;
}
