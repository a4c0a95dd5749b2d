/*
 * Any bytes as a trace image. What is accepted is also rendered in every way: after
 * bs_trace_create() nobody looks again.
 */
#include "core/call_sums.h"
#include "core/file.h"
#include "core/json.h"
#include "core/listing.h"
#include "core/summary.h"
#include "image_builder.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

/* Output is thrown away, and ended where a small image would make much of it. */
#define OUTPUT_BYTES_MAX (1 << 20)

static struct bs_error *swallow(void *total, const char *data, size_t length,
                                const struct bs_span *spans, size_t span_count) {
    *(size_t *)total += length;
    return *(size_t *)total > OUTPUT_BYTES_MAX ? bs_error_create(BS_ERROR_INTERRUPTED, "enough")
                                               : NULL;
}

static void finish(struct bs_error *err, struct bs_buffer *buffer) {
    bs_error_destroy(err);
    bs_error_destroy(bs_buffer_status(buffer));
    bs_buffer_deinit(buffer);
}

static void render(const struct bs_trace *trace, bool adaptive, enum bs_statistic statistic) {
    size_t total = 0;
    struct bs_buffer buffer = {.sink = swallow, .sink_arg = &total};
    const struct bs_listing_options options = {
        .adaptive = adaptive,
        .statistic = statistic,
        .native = adaptive ? BS_LISTING_NATIVE_TREE : BS_LISTING_NATIVE_LEAF,
    };
    finish(bs_listing_render(trace, &options, &buffer), &buffer);
    for (int key = BS_SUMMARY_OPCODE; key <= BS_SUMMARY_FUNCTION; key++) {
        const struct bs_summary_options by = {.key = key, .statistic = statistic};
        total = 0;
        buffer = (struct bs_buffer){.sink = swallow, .sink_arg = &total};
        finish(bs_summary_render(trace, &by, &buffer), &buffer);
    }
    total = 0;
    buffer = (struct bs_buffer){.sink = swallow, .sink_arg = &total};
    finish(bs_call_sums_render(trace, 0, trace->event_count, &buffer), &buffer);
    total = 0;
    buffer = (struct bs_buffer){.sink = swallow, .sink_arg = &total};
    finish(bs_json_render(trace, &buffer), &buffer);
    for (uint64_t number = 1; number <= trace->event_count && number <= 8; number++) {
        buffer = (struct bs_buffer)BS_BUFFER_INIT;
        finish(bs_listing_event(trace, number, &buffer), &buffer);
    }
}

/* A trace that was read is saved, and read again as the same. */
static void round_trip(const struct bs_trace *trace) {
    void *packed;
    size_t length;
    struct bs_trace *again;
    struct bs_error *err = bs_file_pack(trace, &packed, &length);
    if (!err) {
        err = bs_file_unpack(packed, length, &again);
        free(packed);
    }
    if (err || again->event_count != trace->event_count || again->step_count != trace->step_count)
        abort();
    bs_trace_destroy(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bs_trace *trace;
    void *image = malloc(size ? size : 1);
    memcpy(image, data, size);
    struct bs_error *err = bs_trace_create(image, size, &trace);
    if (err) {
        bs_error_destroy(err);
        return 0;
    }
    render(trace, false, BS_STATISTIC_MIN);
    render(trace, true, BS_STATISTIC_MEAN);
    round_trip(trace);
    bs_trace_destroy(trace);
    return 0;
}

/* Few bytes are a trace by chance: some of the time, begin with one. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed) {
    if (seed % 64 == 0) {
        size_t length;
        void *image = image_finish(image_small(seed % 128), &length);
        if (length <= max_size) {
            memcpy(data, image, length);
            size = length;
        }
        free(image);
    }
    return LLVMFuzzerMutate(data, size, max_size);
}
