#include "core/call_rows.h"
#include "core/labels.h"
#include "core/listing.h"
#include "core/number.h"
#include "core/text.h"

#include <inttypes.h>
#include <string.h>

#define LABEL_COLUMNS 14

struct description {
    const struct bs_trace *trace;
    const struct bs_event *event;
    size_t index;
    uint32_t depth;
    struct bs_timing timing;
    struct bs_buffer *buffer;
};

static void begin(struct description *description, const char *label) {
    struct bs_buffer *buffer = description->buffer;
    bs_buffer_text(buffer, "  ");
    bs_buffer_styled(buffer, BS_STYLE_DIM, bs_text_of(label));
    bs_buffer_fill(buffer, ' ', LABEL_COLUMNS - (long)strlen(label));
}

static void describe_frame(struct description *description) {
    const struct bs_code *code = description->trace->codes[description->event->code].code;
    begin(description, "in");
    bs_buffer_styled(description->buffer, BS_STYLE_FUNCTION, code->qualname);
    bs_buffer_text(description->buffer, ", ");
    bs_buffer_styled(description->buffer, BS_STYLE_FILE, code->filename);
    bs_buffer_format(description->buffer, ":%" PRIu32 ", depth %" PRIu32, code->first_line,
                     description->depth);
    bs_buffer_line_end(description->buffer);
}

static void describe_line(struct description *description, uint32_t line) {
    if (line == BS_NO_LINE)
        return;
    begin(description, "line");
    bs_buffer_format(description->buffer, "%" PRIu32 "  ", line);
    struct bs_event event = {.code = description->event->code, .line = line};
    bs_buffer_styled(description->buffer, BS_STYLE_SOURCE,
                     bs_trace_source(description->trace, &event));
    bs_buffer_line_end(description->buffer);
}

static void print_opcode(struct description *description, uint8_t opcode) {
    const char *name = bs_opcode_name(description->trace->header->python, opcode);
    bs_buffer_styled(description->buffer, BS_STYLE_OPCODE, bs_text_of(name));
    bs_buffer_format(description->buffer, " (%u)", opcode);
}

static void describe_argument(struct description *description,
                              const struct bs_instructions *instructions,
                              const struct bs_instruction *instruction) {
    _cleanup_buffer_ struct bs_buffer text = BS_BUFFER_INIT;
    if (!instruction->has_arg)
        return;
    begin(description, "argument");
    bs_buffer_number(description->buffer, instruction->arg, 0);
    bs_instruction_argrepr(instructions, instruction, &text);
    if (text.length) {
        bs_buffer_text(description->buffer, "  ");
        bs_buffer_styled(description->buffer, BS_STYLE_VARIABLE, bs_buffer_as_text(&text));
    }
    bs_buffer_line_end(description->buffer);
}

static void describe_caches(struct description *description,
                            const struct bs_instructions *instructions,
                            const struct bs_instruction *instruction) {
    _cleanup_buffer_ struct bs_buffer text = BS_BUFFER_INIT;
    bs_instruction_caches(instructions, instruction, &text);
    if (!text.length)
        return;
    begin(description, "inline cache");
    bs_buffer_append(description->buffer, text.data, text.length);
    bs_buffer_line_end(description->buffer);
}

static void describe_place(struct description *description,
                           const struct bs_instruction *instruction) {
    begin(description, "offset");
    bs_buffer_number(description->buffer, 2 * (int64_t)instruction->offset_units, 0);
    if (instruction->is_jump_target)
        bs_buffer_text(description->buffer, ", a jump target");
    if (instruction->has_jump)
        bs_buffer_format(description->buffer, ", jumps to %" PRIu64,
                         2 * (uint64_t)instruction->jump_units);
    bs_buffer_line_end(description->buffer);
}

static void print_ns(struct description *description, double ns, const char *after) {
    bs_buffer_style(description->buffer, BS_STYLE_TIME);
    bs_buffer_fixed(description->buffer, ns, 2, 0);
    bs_buffer_text(description->buffer, " ns");
    bs_buffer_style(description->buffer, BS_STYLE_PLAIN);
    bs_buffer_text(description->buffer, after);
}

/* One line for each step, when there were more than the instruction itself. */
static void describe_steps(struct description *description, const struct bs_step *steps,
                           size_t count) {
    for (size_t i = 0; count > 1 && i < count; i++) {
        struct bs_time time;
        bs_timing_step(&description->timing, &steps[i], &time);
        begin(description, i ? "" : "ran");
        bs_buffer_fixed(description->buffer, time.ns[BS_STATISTIC_MIN], 2, 8);
        bs_buffer_text(description->buffer, " ns  ");
        print_opcode(description, steps[i].opcode);
        bs_buffer_line_end(description->buffer);
    }
}

static void describe_time(struct description *description) {
    const struct bs_timing *timing = &description->timing;
    struct bs_time time;
    size_t count;
    const struct bs_step *steps = bs_trace_steps(description->trace, description->index, &count);
    if (!timing->timed)
        return;
    begin(description, "time");
    if (!bs_timing_event(timing, description->trace, description->index, &time)) {
        bs_buffer_text(description->buffer, "none of its own");
        bs_buffer_line_end(description->buffer);
        return;
    }
    print_ns(description, time.ns[BS_STATISTIC_MIN], " minimum, ");
    print_ns(description, time.ns[BS_STATISTIC_MEDIAN], " median, ");
    print_ns(description, time.ns[BS_STATISTIC_MEAN], " mean, uncertain by ");
    print_ns(description, time.uncertainty_ns, "");
    bs_buffer_line_end(description->buffer);
    begin(description, "as measured");
    print_ns(description, time.raw_min_ns, " minimum, of which ");
    print_ns(description, time.cost_ns, " are the engine's; scaled by ");
    bs_buffer_fixed(description->buffer, timing->scale, 3, 0);
    bs_buffer_line_end(description->buffer);
    describe_steps(description, steps, count);
}

static void describe_calls(struct description *description) {
    _cleanup_call_rows_ struct bs_call_rows rows = {};
    struct bs_error *err = bs_call_rows_event(description->trace, description->index, &rows);
    bs_buffer_fail(description->buffer, err);
    if (err || !rows.count)
        return;
    begin(description, "C functions");
    bs_buffer_text(description->buffer, "machine instructions in all, and in the function itself");
    bs_buffer_line_end(description->buffer);
    bs_call_rows_render(description->trace, &rows, 2, description->buffer);
}

static void describe_opcode(struct description *description) {
    const struct bs_event *event = description->event;
    const struct bs_instructions *instructions =
        &description->trace->codes[event->code].instructions;
    const struct bs_instruction *instruction = bs_trace_instruction(description->trace, event);
    uint8_t ran = bs_trace_opcode(description->trace, description->index);
    uint8_t other = bs_trace_other_opcode(description->trace, description->index);
    begin(description, "opcode");
    print_opcode(description, instruction->opcode);
    if (ran != instruction->opcode) {
        bs_buffer_text(description->buffer, ", ran as ");
        print_opcode(description, ran);
    }
    if (other) {
        bs_buffer_text(description->buffer, ", in other repeats as ");
        print_opcode(description, other);
    }
    bs_buffer_line_end(description->buffer);
    describe_argument(description, instructions, instruction);
    describe_place(description, instruction);
    describe_caches(description, instructions, instruction);
    describe_line(description, instruction->line);
    describe_frame(description);
    describe_time(description);
    describe_calls(description);
}

static void describe_call(struct description *description) {
    describe_frame(description);
}

static void describe_begun_line(struct description *description) {
    describe_line(description, description->event->line);
    describe_frame(description);
}

static void describe_return(struct description *description) {
    begin(description, "value");
    if (description->event->text)
        bs_buffer_styled(description->buffer, BS_STYLE_VARIABLE,
                         bs_trace_text(description->trace, description->event->text));
    else
        bs_buffer_text(description->buffer, "none: the frame was left by an exception");
    bs_buffer_line_end(description->buffer);
    describe_frame(description);
}

static void describe_exception(struct description *description) {
    struct bs_raised raised = bs_trace_raised(description->trace, description->event->text);
    begin(description, "type");
    bs_buffer_styled(description->buffer, BS_STYLE_ERROR, raised.type);
    bs_buffer_line_end(description->buffer);
    begin(description, "message");
    bs_buffer_styled(description->buffer, BS_STYLE_PLAIN, raised.message);
    bs_buffer_line_end(description->buffer);
    describe_frame(description);
}

static void describe_stop(struct description *description) {
    const struct bs_image_header *header = description->trace->header;
    begin(description, "outcome");
    bs_buffer_text(description->buffer, bs_outcome_label(header->outcome));
    bs_buffer_line_end(description->buffer);
}

static const struct {
    const char *name;
    void (*describe)(struct description *description);
} kinds[] = {
    [BS_EVENT_CALL] = {"call", describe_call},
    [BS_EVENT_LINE] = {"line", describe_begun_line},
    [BS_EVENT_OPCODE] = {"opcode", describe_opcode},
    [BS_EVENT_RETURN] = {"return", describe_return},
    [BS_EVENT_EXCEPTION] = {"exception", describe_exception},
    [BS_EVENT_STOP] = {"stop", describe_stop},
};

static uint32_t depth_of(const struct bs_trace *trace, size_t index) {
    uint32_t depth = 0;
    for (size_t i = 0; i < index; i++) {
        bs_depth_enter(&depth, &trace->events[i]);
        bs_depth_leave(&depth, &trace->events[i]);
    }
    return bs_depth_enter(&depth, &trace->events[index]);
}

struct bs_error *bs_listing_event(const struct bs_trace *trace, uint64_t number,
                                  struct bs_buffer *buffer) {
    if (!number || number > trace->event_count)
        return bs_error_create(BS_ERROR_USAGE,
                               "there is no event %" PRIu64 ": the trace has %zu events", number,
                               trace->event_count);
    size_t index = number - 1;
    struct description description = {
        .trace = trace,
        .event = &trace->events[index],
        .index = index,
        .depth = depth_of(trace, index),
        .buffer = buffer,
    };
    bs_timing_init(trace, &description.timing);
    bs_buffer_style(buffer, BS_STYLE_TITLE);
    bs_buffer_format(buffer, "//// Event %" PRIu64 " of %zu of `", number, trace->event_count);
    bs_buffer_clean(buffer, bs_trace_name(trace));
    bs_buffer_format(buffer, "`, %s :", kinds[description.event->kind].name);
    bs_buffer_line_end(buffer);
    kinds[description.event->kind].describe(&description);
    return NULL;
}
