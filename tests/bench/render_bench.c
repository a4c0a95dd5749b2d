/*
 * What it takes to show a trace of a million events: check and decode it, render it by opcode, in
 * full to a file, as JSON, and save and load it. No debugger and no interpreter: the events are of
 * a loop that calls a function, as the agent would have recorded it.
 */
#include "core/file.h"
#include "core/json.h"
#include "core/listing.h"
#include "core/summary.h"
#include "image_builder.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define EVENTS          1000000
#define SUMMARY_LIMIT_S 1.0
#define LISTING_LIMIT_S 5.0

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void die_of(struct bs_error *err) {
    if (!err)
        return;
    fprintf(stderr, "render_bench: %s\n", err->message);
    exit(1);
}

/*
 * Python 3.13: RESUME; for i in range(n): total += square(i). Only what the events need is true;
 * the line table has one line for each instruction in turn.
 */
static uint32_t add_code(struct image_builder *builder, const char *name, uint32_t first_line,
                         const uint8_t *bytecode, size_t length) {
    uint8_t linetable[64];
    for (size_t i = 0; i < length / 2; i++) {
        linetable[2 * i] = 0xe8;
        linetable[2 * i + 1] = i % 4 ? 0 : 2;
    }
    return image_code(
        builder, &(struct image_code){.qualname = name,
                                      .filename = "/home/user/project/bench.py",
                                      .first_line = first_line,
                                      .bytecode = bytecode,
                                      .bytecode_length = length,
                                      .linetable = linetable,
                                      .linetable_length = length,
                                      .consts = (const char *[]){"None", "42", NULL},
                                      .names = (const char *[]){"range", "square", NULL},
                                      .locals = (const char *[]){"n", "i", "total", NULL},
                                      .sources = (const char *[]){
                                          "def f(n):", "for i in range(n):", "total += square(i)",
                                          "return total", NULL}});
}

static void add_opcode(struct image_builder *builder, uint32_t code, uint32_t unit,
                       const uint8_t *bytecode) {
    static uint32_t seed = 1;
    seed = seed * 1664525 + 1013904223;
    image_event(builder, BS_EVENT_OPCODE, code, unit, 0);
    image_step(builder, code, unit, bytecode[2 * unit], 12.0f + (float)(seed >> 24) / 32);
}

/* LOAD_FAST, LOAD_CONST, STORE_FAST, COMPARE_OP-like numbers of 3.13, without caches. */
static const uint8_t outer[] = {149, 0, 85, 0, 83, 1, 110, 1, 85, 2, 85, 1, 83, 1, 110, 2, 36, 0};
static const uint8_t inner[] = {149, 0, 85, 0, 85, 0, 83, 1, 36, 0};

static void *make_image(size_t *ret_length) {
    struct image_builder *builder = image_builder_create(0x030d00f0);
    struct bs_image_header *header = image_header(builder);
    uint32_t f = add_code(builder, "f", 1, outer, sizeof(outer));
    uint32_t square = add_code(builder, "square", 10, inner, sizeof(inner));
    uint32_t value = image_string(builder, "42");
    header->flags = BS_IMAGE_TIMED;
    header->engine = BS_ENGINE_PROBE;
    header->overhead_ns = 12;
    header->clock_step_ns = 0.43;
    header->uninstrumented_ns = 4e6;
    header->instrumented_ns = 16e6;
    header->target_text = image_string(builder, "f(100000)");
    image_event(builder, BS_EVENT_CALL, f, 1, 0);
    for (uint32_t i = 2; header->events_seen < EVENTS - 20; i++) {
        image_event(builder, BS_EVENT_LINE, f, 2, 0);
        for (uint32_t unit = 1; unit < 8; unit++)
            add_opcode(builder, f, unit, outer);
        image_event(builder, BS_EVENT_CALL, square, 10, 0);
        image_event(builder, BS_EVENT_LINE, square, 11, 0);
        for (uint32_t unit = 1; unit < 5; unit++)
            add_opcode(builder, square, unit, inner);
        image_event(builder, BS_EVENT_RETURN, square, 0, value);
    }
    add_opcode(builder, f, 8, outer);
    image_event(builder, BS_EVENT_RETURN, f, 0, value);
    image_event(builder, BS_EVENT_STOP, 0, 0, 0);
    return image_finish(builder, ret_length);
}

static struct bs_error *write_out(void *file, const char *data, size_t length,
                                  const struct bs_span *spans, size_t span_count) {
    if (fwrite(data, 1, length, file) != length)
        return bs_error_create(BS_ERROR_OS, "cannot write");
    return NULL;
}

static void render_listing(const struct bs_trace *trace, struct bs_buffer *buffer) {
    die_of(bs_listing_render(trace, &(struct bs_listing_options){0}, buffer));
}

static void render_without_times(const struct bs_trace *trace, struct bs_buffer *buffer) {
    die_of(bs_listing_render(trace, &(struct bs_listing_options){.no_times = true}, buffer));
}

static void render_opcodes(const struct bs_trace *trace, struct bs_buffer *buffer) {
    die_of(
        bs_summary_render(trace, &(struct bs_summary_options){.key = BS_SUMMARY_OPCODE}, buffer));
}

static void render_lines(const struct bs_trace *trace, struct bs_buffer *buffer) {
    die_of(bs_summary_render(trace, &(struct bs_summary_options){.key = BS_SUMMARY_LINE}, buffer));
}

static void render_functions(const struct bs_trace *trace, struct bs_buffer *buffer) {
    die_of(
        bs_summary_render(trace, &(struct bs_summary_options){.key = BS_SUMMARY_FUNCTION}, buffer));
}

static void render_json(const struct bs_trace *trace, struct bs_buffer *buffer) {
    die_of(bs_json_render(trace, buffer));
}

static void report(const char *what, double taken_s, double limit_s) {
    printf("%-34s %8.3f s", what, taken_s);
    if (limit_s > 0)
        printf("   limit %.0f s: %s", limit_s, taken_s < limit_s ? "kept" : "MISSED");
    putchar('\n');
}

/* Time @p render from the trace to a file. */
static double time_render(const struct bs_trace *trace,
                          void (*render)(const struct bs_trace *trace, struct bs_buffer *buffer)) {
    FILE *file = tmpfile();
    struct bs_buffer buffer = {.sink = write_out, .sink_arg = file};
    double start_s = now_s();
    render(trace, &buffer);
    die_of(bs_buffer_status(&buffer));
    fclose(file);
    bs_buffer_deinit(&buffer);
    return now_s() - start_s;
}

static void bench_file(const struct bs_trace *trace) {
    void *data;
    size_t length;
    struct bs_trace *loaded;
    double start_s = now_s();
    die_of(bs_file_pack(trace, &data, &length));
    double packed_s = now_s();
    die_of(bs_file_unpack(data, length, &loaded));
    report("pack as saved", packed_s - start_s, 0);
    report("unpack, check and decode", now_s() - packed_s, 0);
    printf("%-34s %8.2f bytes an event\n", "saved", (double)length / (double)trace->event_count);
    bs_trace_destroy(loaded);
    free(data);
}

int main(void) {
    size_t length;
    void *image = make_image(&length);
    struct bs_trace *trace;
    double start_s = now_s();
    die_of(bs_trace_create(image, length, &trace));
    double decoded_s = now_s() - start_s;
    printf("%zu events, %zu of them opcodes, %.1f bytes an event\n", trace->event_count,
           trace->opcode_count, (double)length / (double)trace->event_count);
    report("check, decode and merge", decoded_s, 0);
    report("... and show --by opcode", decoded_s + time_render(trace, render_opcodes),
           SUMMARY_LIMIT_S);
    report("... and show, all to a file", decoded_s + time_render(trace, render_listing),
           LISTING_LIMIT_S);
    report("show without times", time_render(trace, render_without_times), 0);
    report("show --by line", time_render(trace, render_lines), 0);
    report("show --by function", time_render(trace, render_functions), 0);
    report("show --json", time_render(trace, render_json), 0);
    bench_file(trace);
    bs_trace_destroy(trace);
    return 0;
}
