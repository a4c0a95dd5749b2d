/*
 * The engine that works everywhere: a C trace function, called before each instruction. It times
 * what lies between leaving it and entering it again. From 3.12 on, tracing replaces specialised
 * instructions by general ones, so that what it times is not what runs without it.
 *
 * `where` of its samples is a code number and the offset in code units.
 */
#include "agent/block.h"
#include "agent/child.h"
#include "agent/clock.h"
#include "agent/engine.h"
#include "agent/settrace.h"

#include <stdio.h>
#include <string.h>

#define SAMPLES_MAX  (1u << 15) /* handed on when so many have gathered */
#define OFFSET_BITS  24
#define CODES_CACHED 64u /* a power of two */

static struct {
    const struct engine_setup *setup;
    struct sample *samples;
    size_t count;
    bool installed, recording;
    bool leave_as_it_was; /* disarm frames: the process goes on afterwards */
    int latest;           /* enum trace_what of the latest event */
    uint64_t left;        /* when we were last left */
    uint64_t overhead;    /* ticks of an interval that are ours */
    struct {
        const PyObject *code; /* an entry of setup->codes, which keeps it alive, or NULL */
        uint32_t number;
    } cache[CODES_CACHED];
} engine;

static uint32_t number_of(PyFrameObject *frame) {
    PyObject *code = (PyObject *)PyFrame_GetCode(frame);
    uint32_t at = (uint32_t)((uintptr_t)code >> 5) & (CODES_CACHED - 1);
    uint32_t number = engine.cache[at].number;
    if (engine.cache[at].code != code) {
        number = bs_codes_add(engine.setup->codes, code, (PyObject *)frame);
        if (number != BS_CODES_NONE) {
            engine.cache[at].code = code;
            engine.cache[at].number = number;
        }
    }
    Py_DECREF(code);
    return number;
}

static void hand_on(void) {
    bs_steps_take(engine.setup->steps, engine.samples, engine.count);
    engine.count = 0;
}

static void begin_sample(PyFrameObject *frame) {
    if (engine.count == SAMPLES_MAX)
        hand_on();
    uint64_t number = number_of(frame);
    engine.samples[engine.count++] =
        (struct sample){.where = number << OFFSET_BITS | bs_frame_units(frame)};
}

/*
 * The time since we were left belongs to the instruction that began last. Calls, returns and
 * exceptions cut an instruction into pieces: each piece but the first has our cost in it once more.
 * Between a line event and the instruction that follows, nothing happens but us.
 */
static void end_interval(uint64_t passed) {
    if (!engine.count || engine.latest == TRACE_LINE)
        return;
    struct sample *sample = &engine.samples[engine.count - 1];
    if (engine.latest == TRACE_OPCODE)
        sample->ticks = passed;
    else if (passed > engine.overhead)
        sample->ticks += passed - engine.overhead;
}

static int on_event(PyObject *self, PyFrameObject *frame, int what, PyObject *arg) {
    uint64_t now = bs_clock_now();
    if (!engine.recording || bs_child_forked)
        return 0;
    end_interval(now - engine.left);
    if (what == TRACE_OPCODE)
        begin_sample(frame);
    else if (what == TRACE_CALL)
        bs_settrace_arm(frame, engine.leave_as_it_was);
    else if (what == TRACE_RETURN && engine.leave_as_it_was)
        bs_settrace_disarm(frame);
    engine.latest = what;
    engine.left = bs_clock_now();
    return 0;
}

static bool engine_open(const struct engine_setup *setup, char *reason, size_t reason_bytes) {
    engine.samples = bs_block_create(SAMPLES_MAX, sizeof(*engine.samples));
    if (!engine.samples) {
        snprintf(reason, reason_bytes, "there is no memory for the samples");
        return false;
    }
    engine.setup = setup;
    engine.overhead = 0;
    engine.leave_as_it_was = setup->request->flags & BS_REQUEST_IN_PROCESS;
    return true;
}

/*
 * The trace function stays installed between repeats: from 3.12 on, installing it has every code
 * object instrumented anew, at the cost of the instruction that enters it.
 */
static void engine_begin(void) {
    if (!engine.installed || bs_settrace_displaced())
        bs_settrace_on(on_event);
    engine.installed = true;
    memset(engine.cache, 0, sizeof(engine.cache)); /* setup->codes may be another */
    engine.count = 0;
    engine.latest = TRACE_LINE; /* nothing has begun */
    engine.recording = true;
    engine.left = bs_clock_now();
}

static uint64_t engine_end(uint64_t start_ticks, uint64_t end_ticks) {
    engine.recording = false;
    hand_on();
    return 0;
}

static void uninstall(void) {
    if (engine.installed)
        bs_settrace_off();
    engine.installed = false;
}

/* What comes next, warm-up and timing without an engine, must not be traced. */
static void engine_calibrated(double overhead_ticks) {
    engine.overhead = (uint64_t)overhead_ticks;
    uninstall();
}

static void engine_close(void) {
    uninstall();
    bs_block_destroy(engine.samples);
    engine.samples = NULL;
}

static void engine_abandon(void) {
    engine.recording = false;
    engine.installed = false;
}

static bool engine_locate(uint64_t where, uint32_t *ret_code, uint32_t *ret_offset_units) {
    *ret_code = (uint32_t)(where >> OFFSET_BITS);
    *ret_offset_units = (uint32_t)where & ((1u << OFFSET_BITS) - 1);
    return true;
}

const struct engine bs_engine_settrace = {
    .kind = BS_ENGINE_SETTRACE,
    .name = "settrace",
    .open = engine_open,
    .begin = engine_begin,
    .end = engine_end,
    .calibrated = engine_calibrated,
    .close = engine_close,
    .abandon = engine_abandon,
    .locate = engine_locate,
};
