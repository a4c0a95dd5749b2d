#include "core/json.h"

#include "core/call_rows.h"
#include "core/labels.h"
#include "core/notes.h"
#include "core/number.h"
#include "core/output.h"
#include "core/rows.h"
#include "core/text.h"
#include "core/timing.h"

#include <jansson.h>
#include <math.h>

#define FORMAT_VERSION 1

/* Times are given to a hundredth of a nanosecond, which no clock resolves. */
#define TIMES_PER_NS 100
/* From here on a double has no such digits. */
#define EXACT_NS_MAX 1e12

#define DUMP_FLAGS JSON_REAL_PRECISION(15)

struct writer {
    const struct bs_trace *trace;
    struct bs_timing timing;
    struct bs_buffer *buffer;
    struct bs_rows opcodes; /* what is the same each time that an instruction runs */
};

/* NULL is out of memory, as everywhere in jansson; its setters take it and fail. */
static json_t *text(struct bs_text value) {
    json_t *string = json_stringn(value.length ? value.data : "", value.length);
    if (string)
        return string;
    /* Not UTF-8, which nobody but a broken file would have here. */
    _cleanup_buffer_ struct bs_buffer clean = BS_BUFFER_INIT;
    bs_buffer_clean(&clean, value);
    return clean.error ? NULL : json_stringn(clean.data, clean.length);
}

static json_t *nanoseconds(double ns) {
    return json_real(round(ns * TIMES_PER_NS) / TIMES_PER_NS);
}

static json_t *number_or_null(bool known, int64_t value) {
    return known ? json_integer(value) : json_null();
}

static bool set(json_t *object, const char *key, json_t *value) {
    return !json_object_set_new_nocheck(object, key, value);
}

static int append(const char *data, size_t length, void *buffer) {
    bs_buffer_append(buffer, data, length);
    return 0;
}

/* Append @p object, which is consumed; NULL, or @p complete false, is out of memory. */
static void put(struct bs_buffer *buffer, json_t *object, bool complete, size_t flags) {
    if (!object || !complete || json_dump_callback(object, append, buffer, flags))
        bs_buffer_fail(buffer, &bs_enomem);
    json_decref(object);
}

static const struct bs_code *code_of(const struct writer *writer, const struct bs_event *event) {
    return writer->trace->codes[event->code].code;
}

static bool set_call(struct writer *writer, json_t *object, size_t index) {
    const struct bs_event *event = &writer->trace->events[index];
    return set(object, "name", text(code_of(writer, event)->qualname)) &&
           set(object, "file", text(code_of(writer, event)->filename)) &&
           set(object, "line", json_integer(event->line));
}

static bool set_line(struct writer *writer, json_t *object, size_t index) {
    const struct bs_event *event = &writer->trace->events[index];
    return set(object, "line", json_integer(event->line)) &&
           set(object, "text", text(bs_trace_source(writer->trace, event)));
}

static json_t *opcode_name(const struct bs_row *row, uint8_t opcode) {
    return json_string(bs_opcode_name(row->instructions->code->python, opcode));
}

static json_t *argrepr(const struct bs_row *row) {
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    bs_instruction_argrepr(row->instructions, row->instruction, &buffer);
    return buffer.error ? NULL : text(bs_buffer_as_text(&buffer));
}

/* The members of an opcode but for its time, without braces. */
static void render_opcode(const struct bs_row *row, struct bs_buffer *buffer) {
    const struct bs_instruction *instruction = row->instruction;
    bool has_line = instruction->line != BS_NO_LINE;
    json_t *object = json_object();
    bool complete = set(object, "kind", json_string("opcode")) &&
                    set(object, "code", text(row->instructions->code->qualname)) &&
                    set(object, "line", number_or_null(has_line, instruction->line)) &&
                    set(object, "offset", json_integer(2 * (int64_t)instruction->offset_units)) &&
                    set(object, "opname", opcode_name(row, instruction->opcode)) &&
                    set(object, "specialized", opcode_name(row, row->opcode)) &&
                    set(object, "arg", number_or_null(instruction->has_arg, instruction->arg)) &&
                    set(object, "argrepr", argrepr(row)) &&
                    set(object, "jump_target", json_boolean(instruction->is_jump_target));
    put(buffer, object, complete, DUMP_FLAGS | JSON_EMBED);
}

static void put_ns(struct writer *writer, const char *lead, double ns) {
    bs_buffer_text(writer->buffer, lead);
    if (ns < EXACT_NS_MAX)
        bs_buffer_fixed(writer->buffer, ns, llround(ns * TIMES_PER_NS) % 10 ? 2 : 1, 0);
    else
        put(writer->buffer, nanoseconds(ns), true, DUMP_FLAGS | JSON_ENCODE_ANY);
}

static json_t *native_row(const struct bs_call_row *row) {
    json_t *object = json_object();
    bool has_file = row->file.length, has_line = row->line;
    if (set(object, "depth", json_integer(row->depth - 1)) &&
        set(object, "function", text(row->name)) &&
        set(object, "file", has_file ? text(row->file) : json_null()) &&
        set(object, "line", number_or_null(has_line, row->line)) &&
        set(object, "instructions", json_integer((json_int_t)row->instructions)) &&
        set(object, "total", json_integer((json_int_t)row->total)) &&
        set(object, "inlined", json_boolean(row->kind == BS_CALL_ROW_INLINED)))
        return object;
    json_decref(object);
    return NULL;
}

/* The C functions below the evaluator, and what all of them took with it. */
static void put_rows(struct writer *writer, const struct bs_call_rows *rows) {
    bool first = true;
    if (!rows->count)
        return;
    bs_buffer_text(writer->buffer, ", \"instructions\": ");
    bs_buffer_number(writer->buffer, (int64_t)bs_call_rows_total(rows), 0);
    bs_buffer_text(writer->buffer, ", \"native\": [");
    for (size_t i = 0; i < rows->count; i++) {
        if (!rows->items[i].depth)
            continue;
        bs_buffer_text(writer->buffer, first ? "" : ", ");
        put(writer->buffer, native_row(&rows->items[i]), true, DUMP_FLAGS);
        first = false;
    }
    bs_buffer_char(writer->buffer, ']');
}

static void put_native(struct writer *writer, size_t index) {
    _cleanup_call_rows_ struct bs_call_rows rows = {};
    bs_buffer_fail(writer->buffer, bs_call_rows_event(writer->trace, index, &rows));
    put_rows(writer, &rows);
}

static void put_native_alone(struct writer *writer) {
    _cleanup_call_rows_ struct bs_call_rows rows = {};
    bs_buffer_fail(writer->buffer, bs_call_rows_alone(writer->trace, &rows));
    put_rows(writer, &rows);
}

static void put_opcode(struct writer *writer, size_t index) {
    struct bs_time time;
    bs_buffer_char(writer->buffer, '{');
    bs_rows_append(&writer->opcodes, bs_rows_get(&writer->opcodes, index), writer->buffer);
    if (bs_timing_event(&writer->timing, writer->trace, index, &time)) {
        put_ns(writer, ", \"time_ns\": {\"min\": ", time.ns[BS_STATISTIC_MIN]);
        put_ns(writer, ", \"median\": ", time.ns[BS_STATISTIC_MEDIAN]);
        put_ns(writer, ", \"mean\": ", time.ns[BS_STATISTIC_MEAN]);
        put_ns(writer, ", \"raw_min\": ", time.raw_min_ns);
        put_ns(writer, ", \"uncertainty\": ", time.uncertainty_ns);
        bs_buffer_char(writer->buffer, '}');
    }
    if (writer->trace->walk)
        put_native(writer, index);
    bs_buffer_char(writer->buffer, '}');
}

static bool set_return(struct writer *writer, json_t *object, size_t index) {
    uint32_t value = writer->trace->events[index].text;
    return set(object, "value", value ? text(bs_trace_text(writer->trace, value)) : json_null());
}

static bool set_raised(struct writer *writer, json_t *object, uint32_t offset) {
    struct bs_raised raised = bs_trace_raised(writer->trace, offset);
    return set(object, "type", text(raised.type)) && set(object, "message", text(raised.message));
}

static bool set_exception(struct writer *writer, json_t *object, size_t index) {
    return set_raised(writer, object, writer->trace->events[index].text);
}

static bool set_stop(struct writer *writer, json_t *object, size_t index) {
    return true;
}

/* Opcodes, of which there are most, are not here: put_opcode(). */
static const struct {
    const char *name;
    bool (*set)(struct writer *writer, json_t *object, size_t index);
} kinds[] = {
    [BS_EVENT_CALL] = {"call", set_call},       [BS_EVENT_LINE] = {"line", set_line},
    [BS_EVENT_RETURN] = {"return", set_return}, [BS_EVENT_EXCEPTION] = {"exception", set_exception},
    [BS_EVENT_STOP] = {"stop", set_stop},
};

static void put_event(struct writer *writer, size_t index) {
    uint32_t kind = writer->trace->events[index].kind;
    if (kind == BS_EVENT_OPCODE) {
        put_opcode(writer, index);
        return;
    }
    json_t *object = json_object();
    bool complete = set(object, "kind", json_string(kinds[kind].name)) &&
                    kinds[kind].set(writer, object, index);
    put(writer->buffer, object, complete, DUMP_FLAGS);
}

/* How CALL ended; what there is to say of each end beside its kind. */
static bool set_outcome(struct writer *writer, json_t *result) {
    const struct bs_image_header *header = writer->trace->header;
    switch (header->outcome) {
    case BS_OUTCOME_RAISED:
        return set_raised(writer, result, header->outcome_text);
    case BS_OUTCOME_UNRESOLVED:
    case BS_OUTCOME_REFUSED:
        return set(result, "message", text(bs_trace_text(writer->trace, header->outcome_text)));
    case BS_OUTCOME_CRASHED:
        return set(result, "signal", json_integer(header->outcome_number));
    case BS_OUTCOME_EXITED:
        return set(result, "status", json_integer(header->outcome_number));
    default:
        return true;
    }
}

static json_t *result(struct writer *writer) {
    json_t *object = json_object();
    if (set(object, "kind", json_string(bs_outcome_label(writer->trace->header->outcome))) &&
        set_outcome(writer, object))
        return object;
    json_decref(object);
    return NULL;
}

static json_t *python_version(const struct writer *writer) {
    _cleanup_buffer_ struct bs_buffer version = BS_BUFFER_INIT;
    bs_buffer_python(&version, writer->trace->header->python);
    return version.error ? NULL : json_stringn(version.data, version.length);
}

static json_t *timed_ns(const struct writer *writer, double ns) {
    return writer->timing.timed ? nanoseconds(ns) : json_null();
}

/* Only a trace that is cut says so: `events` has fewer than there were, its `stop` included. */
static bool set_cut(const struct writer *writer, json_t *object) {
    const struct bs_image_header *header = writer->trace->header;
    return !(header->flags & BS_IMAGE_EVENTS_LOST) ||
           set(object, "events_seen", json_integer((json_int_t)header->events_seen));
}

/* Only a profile of which there is something to know has `notes`. */
static bool set_notes(const struct writer *writer, json_t *object) {
    _cleanup_buffer_ struct bs_buffer note = BS_BUFFER_INIT;
    struct bs_notes notes;
    json_t *texts = json_array();
    bool complete = texts;
    bs_notes_init(writer->trace, BS_NOTES_OF_TIMES | BS_NOTES_OF_CALLS, &notes);
    while (complete && bs_notes_next(&notes)) {
        note.length = 0;
        bs_notes_print(&notes, &note);
        complete = !note.error && !json_array_append_new(texts, text(bs_buffer_as_text(&note)));
    }
    if (complete && json_array_size(texts))
        return set(object, "notes", texts);
    json_decref(texts);
    return complete;
}

static bool set_header(struct writer *writer, json_t *object) {
    const struct bs_image_header *header = writer->trace->header;
    return set(object, "bytesight", json_integer(FORMAT_VERSION)) &&
           set(object, "python", python_version(writer)) &&
           set(object, "target", text(bs_trace_text(writer->trace, header->target_text))) &&
           set(object, "engine", json_string(bs_engine_label(header->engine))) &&
           set(object, "isolated", json_boolean(header->flags & BS_IMAGE_ISOLATED)) &&
           set(object, "warmups", json_integer(header->warmups)) &&
           set(object, "repeats", json_integer(header->repeats)) &&
           set(object, "clock", json_string(bs_clock_label(header->clock))) &&
           set(object, "clock_hz", json_integer((json_int_t)header->clock_hz)) &&
           set(object, "uninstrumented_ns", timed_ns(writer, header->uninstrumented_ns)) &&
           set(object, "instrumented_ns", timed_ns(writer, header->instrumented_ns)) &&
           set(object, "probe_overhead_ns", timed_ns(writer, writer->timing.overhead_ns)) &&
           set(object, "result", result(writer)) && set_cut(writer, object) &&
           (!writer->timing.timed || set_notes(writer, object));
}

struct bs_error *bs_json_render(const struct bs_trace *trace, struct bs_buffer *buffer) {
    struct writer writer = {.trace = trace, .buffer = buffer};
    struct bs_error *err = bs_rows_init(trace, true, render_opcode, &writer.opcodes);
    if (err)
        return err;
    bs_timing_init(trace, &writer.timing);
    json_t *header = json_object();
    bool complete = set_header(&writer, header);
    bs_buffer_char(buffer, '{');
    put(buffer, header, complete, DUMP_FLAGS | JSON_EMBED);
    put_native_alone(&writer);
    bs_buffer_text(buffer, ",\n \"events\": [");
    for (size_t i = 0; i < trace->event_count && !buffer->error; i++) {
        bs_buffer_text(buffer, i ? "," : "");
        bs_buffer_line_end(buffer);
        bs_buffer_text(buffer, "  ");
        put_event(&writer, i);
    }
    bs_buffer_text(buffer, "]}\n");
    err = bs_buffer_status(&writer.opcodes.text);
    bs_rows_deinit(&writer.opcodes);
    return err;
}

struct saved {
    struct bs_output output;
    struct bs_error *(*goes_on)(void *arg);
    void *arg;
};

static struct bs_error *write_out(void *arg, const char *data, size_t length,
                                  const struct bs_span *spans, size_t span_count) {
    struct saved *saved = arg;
    struct bs_error *err = saved->goes_on(saved->arg);
    return err ? err : bs_output_write(&saved->output, data, length);
}

struct bs_error *bs_json_save(const struct bs_trace *trace, const char *path,
                              struct bs_error *(*goes_on)(void *arg), void *arg) {
    struct saved saved = {.output.fd = -1, .goes_on = goes_on, .arg = arg};
    _cleanup_buffer_ struct bs_buffer buffer = {.sink = write_out, .sink_arg = &saved};
    struct bs_error *err = bs_output_open(path, &saved.output);
    if (!err)
        err = bs_json_render(trace, &buffer);
    if (!err)
        err = bs_buffer_status(&buffer);
    if (!err)
        err = bs_output_commit(&saved.output);
    bs_output_deinit(&saved.output);
    return err;
}
