#include "agent/record.h"

#include "agent/child.h"
#include "agent/interrupt.h"
#include "agent/repr.h"
#include "agent/settrace.h"

static struct recorder *active;

/* From here on events are only counted. Said at once: the run may be cut short. */
static void stop_recording(struct recorder *recorder, uint32_t why) {
    if (!recorder->full)
        recorder->output->header->flags |= BS_IMAGE_EVENTS_LOST | why;
    recorder->full = true;
}

/* The image has no room for more code or texts. */
static void set_full(struct recorder *recorder) {
    stop_recording(recorder, BS_IMAGE_FULL);
}

void bs_recorder_init(struct recorder *recorder, const struct bs_request *request) {
    recorder->max_events = request->max_events;
    recorder->leave_as_it_was = request->flags & BS_REQUEST_IN_PROCESS;
    bs_leaving_opcodes(request, recorder->normal_leave);
    if (!bs_describe_new(recorder->describer))
        set_full(recorder);
}

static void write_event(struct recorder *recorder, enum bs_event_kind kind, uint32_t code,
                        uint32_t place, uint32_t text) {
    recorder->output->header->events_seen = ++recorder->seen;
    if (recorder->seen > recorder->max_events)
        stop_recording(recorder, 0);
    if (recorder->full)
        return;
    const struct bs_event event = {.kind = kind, .code = code, .line = place, .text = text};
    bs_output_put(recorder->output, BS_SECTION_EVENTS, &event, sizeof(event));
    atomic_store_explicit(&recorder->shared->done, recorder->seen, memory_order_relaxed);
}

/* The number of the code that @p frame runs, described in the image; BS_CODES_NONE: no room. */
static uint32_t code_of(struct recorder *recorder, PyFrameObject *frame) {
    PyObject *code = (PyObject *)PyFrame_GetCode(frame);
    uint32_t number = bs_codes_find(recorder->codes, code);
    if (number == BS_CODES_NONE) {
        number = bs_codes_add(recorder->codes, code, (PyObject *)frame);
        if (number != BS_CODES_NONE && !bs_describe_new(recorder->describer))
            number = BS_CODES_NONE;
    }
    Py_DECREF(code);
    return number;
}

/*
 * Whether @p value is what the frame returns. A frame that is left by an exception has NULL up to
 * 3.11, and None later (Python/legacy_tracing.c, sys_trace_unwind): then the instruction tells, and
 * that no instruction came between, for one that was thrown into a suspended generator.
 */
static bool is_returned(const struct recorder *recorder, const struct code_entry *code,
                        PyFrameObject *frame, PyObject *value) {
    if (!value || value != Py_None)
        return value != NULL;
    uint32_t units = bs_frame_units(frame);
    return recorder->latest != TRACE_EXCEPTION &&
           (units >= code->unit_count || recorder->normal_leave[code->units[2 * units]]);
}

static uint32_t returned_text(struct recorder *recorder, PyObject *value) {
    struct pending pending = bs_pending_save();
    struct text text;
    bs_repr(value, &text);
    bs_pending_restore(&pending);
    uint32_t offset = bs_output_string(recorder->output, text.data, text.length);
    if (!offset && text.length)
        set_full(recorder); /* without its text it would look like a frame left by an exception */
    return offset;
}

uint32_t bs_raised_text(struct output *output, PyObject *type, PyObject *value) {
    struct pending pending = bs_pending_save();
    struct text name, message;
    bs_type_name(type, &name);
    bs_str(value, &message);
    bs_pending_restore(&pending);
    return bs_output_raised(output, name.data, name.length, message.data, message.length);
}

static uint32_t exception_text(struct recorder *recorder, PyObject *arg) {
    PyObject *type = PyTuple_GetItem(arg, 0), *value = PyTuple_GetItem(arg, 1);
    return type && value ? bs_raised_text(recorder->output, type, value) : 0;
}

/* The text of an event, as long as there is room for it. */
static uint32_t text_of(struct recorder *recorder, PyFrameObject *frame, int what, PyObject *arg,
                        const struct code_entry *code) {
    if (recorder->full)
        return 0;
    if (what == TRACE_EXCEPTION)
        return exception_text(recorder, arg);
    return is_returned(recorder, code, frame, arg) ? returned_text(recorder, arg) : 0;
}

/*
 * The line that begins where @p frame is. From 3.13 on Python goes through the line table for it,
 * from the start of the code: so each is asked for once.
 */
static uint32_t line_of(const struct code_entry *code, PyFrameObject *frame) {
    uint32_t units = bs_frame_units(frame);
    if (units >= code->unit_count)
        return (uint32_t)PyFrame_GetLineNumber(frame);
    if (!code->lines[units])
        code->lines[units] = (uint32_t)PyFrame_GetLineNumber(frame);
    return code->lines[units];
}

static void on_known_event(struct recorder *recorder, PyFrameObject *frame, int what, PyObject *arg,
                           uint32_t number) {
    const struct code_entry *code = &recorder->codes->entries[number];
    switch (what) {
    case TRACE_CALL:
        bs_settrace_arm(frame, recorder->leave_as_it_was);
        write_event(recorder, BS_EVENT_CALL, number, code->first_line, 0);
        break;
    case TRACE_LINE:
        write_event(recorder, BS_EVENT_LINE, number, line_of(code, frame), 0);
        break;
    case TRACE_OPCODE:
        write_event(recorder, BS_EVENT_OPCODE, number, bs_frame_units(frame), 0);
        break;
    case TRACE_EXCEPTION:
        write_event(recorder, BS_EVENT_EXCEPTION, number, 0,
                    text_of(recorder, frame, what, arg, code));
        break;
    case TRACE_RETURN:
        write_event(recorder, BS_EVENT_RETURN, number, 0,
                    text_of(recorder, frame, what, arg, code));
        if (recorder->leave_as_it_was)
            bs_settrace_disarm(frame);
        break;
    default:
        break;
    }
    recorder->latest = what;
}

static int on_event(PyObject *self, PyFrameObject *frame, int what, PyObject *arg) {
    struct recorder *recorder = active;
    if (!recorder || bs_child_forked)
        return 0;
    uint32_t number = code_of(recorder, frame);
    if (number == BS_CODES_NONE) {
        set_full(recorder);
        recorder->output->header->events_seen = ++recorder->seen;
    } else {
        on_known_event(recorder, frame, what, arg, number);
    }
    bs_interrupt_raise();
    return 0;
}

void bs_recorder_start(struct recorder *recorder) {
    active = recorder;
    bs_settrace_on(on_event);
}

bool bs_recorder_stop(struct recorder *recorder) {
    bs_settrace_off();
    active = NULL;
    return !bs_settrace_displaced();
}

void bs_recorder_abandon(void) {
    active = NULL;
}

void bs_recorder_end(struct recorder *recorder) {
    const struct bs_event stop = {.kind = BS_EVENT_STOP};
    recorder->output->header->events_seen = ++recorder->seen;
    bs_output_put(recorder->output, BS_SECTION_EVENTS, &stop, sizeof(stop));
}
