/*
 * Any bytes as the CALLS and SYMBOLS of a trace that is good otherwise. What is accepted is shown
 * in every way, and counts what it says that it counts.
 */
#include "core/call_sums.h"
#include "core/json.h"
#include "core/listing.h"
#include "image_builder.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define EVENTS_MAX 32

/* On 3.11: RESUME, LOAD_FAST, LOAD_FAST, EXTENDED_ARG, LOAD_CONST, UNARY_NEGATIVE, RETURN_VALUE. */
static const uint8_t bytecode[] = {151, 0, 124, 0, 124, 0, 144, 1, 100, 0, 11, 0, 83, 0};

/* The first byte says how many events and how many symbols follow, and the rest is calls. */
static void *make_image(const uint8_t *data, size_t size, size_t *ret_length) {
    struct image_builder *builder = image_builder_create(0x030b00f0);
    image_code(builder,
               &(struct image_code){.bytecode = bytecode, .bytecode_length = sizeof(bytecode)});
    size_t events = size ? data[0] % EVENTS_MAX : 0, symbols = size ? data[0] / EVENTS_MAX : 0;
    size_t at = size ? 1 : 0;
    for (; events && at < size; events--, at++)
        image_event(builder, BS_EVENT_OPCODE, 0, data[at] % (sizeof(bytecode) / 2), 0);
    size_t bytes = symbols * sizeof(struct bs_symbol);
    bytes = bytes < size - at ? bytes
                              : (size - at) / sizeof(struct bs_symbol) * sizeof(struct bs_symbol);
    image_append(builder, BS_SECTION_SYMBOLS, data + at, bytes);
    at += bytes;
    image_append(builder, BS_SECTION_CALLS, data + at,
                 (size - at) / sizeof(struct bs_call) * sizeof(struct bs_call));
    return image_finish(builder, ret_length);
}

static void finish(struct bs_error *err, struct bs_buffer *buffer) {
    bs_error_destroy(err);
    bs_error_destroy(bs_buffer_status(buffer));
    bs_buffer_deinit(buffer);
}

static void render(const struct bs_trace *trace) {
    for (int native = BS_LISTING_NATIVE_NONE; native <= BS_LISTING_NATIVE_TREE; native++) {
        struct bs_buffer buffer = BS_BUFFER_INIT;
        const struct bs_listing_options options = {.native = native};
        finish(bs_listing_render(trace, &options, &buffer), &buffer);
    }
    struct bs_buffer buffer = BS_BUFFER_INIT;
    finish(bs_json_render(trace, &buffer), &buffer);
    buffer = (struct bs_buffer)BS_BUFFER_INIT;
    finish(bs_call_sums_render(trace, 0, trace->event_count, &buffer), &buffer);
}

/* All instructions of the records are in some sum, and events share them without overlap. */
static void count(const struct bs_trace *trace) {
    _cleanup_call_sums_ struct bs_call_sums sums = {};
    uint64_t all = 0, of_events = 0;
    bs_error_destroy(bs_call_sums_init(trace, 0, trace->event_count, &sums));
    for (size_t i = 0; i < trace->call_count; i++)
        all += trace->calls[i].instructions;
    for (size_t i = 0; i < trace->event_count; i++) {
        _cleanup_call_rows_ struct bs_call_rows rows = {};
        bs_error_destroy(bs_call_rows_event(trace, i, &rows));
        of_events += bs_call_rows_total(&rows);
    }
    if (sums.instructions != all || of_events > all)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bs_trace *trace;
    size_t length;
    void *image = make_image(data, size, &length);
    struct bs_error *err = bs_trace_create(image, length, &trace);
    if (err) {
        bs_error_destroy(err);
        return 0;
    }
    render(trace);
    if (trace->walk)
        count(trace);
    bs_trace_destroy(trace);
    return 0;
}
