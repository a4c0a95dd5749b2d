#include "core/trace.h"

#include "check.h"
#include "image_builder.h"

#include <math.h>
#include <string.h>

TEST(trace, small_one_is_decoded) {
    _cleanup_trace_ struct bs_trace *trace = image_trace(image_small(true));
    if (!trace)
        return;
    CHECK_EQ(trace->event_count, 6);
    CHECK_EQ(trace->opcode_count, 2);
    CHECK_EQ(trace->code_count, 1);
    CHECK_EQ(trace->codes[0].instructions.count, 3);
    const struct bs_instruction *load = bs_trace_instruction(trace, &trace->events[2]);
    CHECK_EQ(load->offset_units, 1);
    CHECK_EQ(load->line, 8);
    CHECK(load->starts_line);
    struct bs_text source = bs_trace_source(trace, &trace->events[1]);
    CHECK_BYTES(source.data, source.length, "return 42");
    struct bs_text name = bs_trace_name(trace);
    CHECK_BYTES(name.data, name.length, "answer");
    struct bs_text value = bs_trace_text(trace, trace->events[4].text);
    CHECK_BYTES(value.data, value.length, "42");
}

TEST(trace, name_falls_back_to_the_first_event_then_to_the_call) {
    struct image_builder *builder = image_small(false);
    image_header(builder)->function_text = 0;
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    struct bs_text name = bs_trace_name(trace);
    CHECK_BYTES(name.data, name.length, "answer");

    struct image_builder *empty = image_builder_create(0x030d00f0);
    image_header(empty)->target_text = image_string(empty, "pkg.mod:Class.method(obj, k=1)");
    _cleanup_trace_ struct bs_trace *other = image_trace(empty);
    name = bs_trace_name(other);
    CHECK_BYTES(name.data, name.length, "Class.method");
}

TEST(trace, source_that_is_not_there_is_said_to_be) {
    struct image_builder *builder = image_builder_create(0x030d00f0);
    uint32_t code = image_code(builder, &(struct image_code){.qualname = "f"});
    image_event(builder, BS_EVENT_LINE, code, 3, 0);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    struct bs_text source = bs_trace_source(trace, &trace->events[0]);
    CHECK_BYTES(source.data, source.length, "<source not available>");
}

TEST(trace, depth_follows_calls_and_returns) {
    static const enum bs_event_kind kinds[] = {BS_EVENT_CALL,   BS_EVENT_LINE, BS_EVENT_CALL,
                                               BS_EVENT_RETURN, BS_EVENT_LINE, BS_EVENT_RETURN,
                                               BS_EVENT_RETURN, BS_EVENT_STOP};
    static const uint32_t expected[] = {0, 0, 1, 1, 0, 0, 0, 0};
    uint32_t depth = 0;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        struct bs_event event = {.kind = kinds[i]};
        CHECK_EQ(bs_depth_enter(&depth, &event), expected[i]);
        bs_depth_leave(&depth, &event);
    }
}

/* What is wrong is said with the place; the change is made to the small image. */
static struct bs_error *create_changed(void (*change)(struct image_builder *builder)) {
    struct image_builder *builder = image_small(true);
    change(builder);
    size_t length;
    void *image = image_finish(builder, &length);
    struct bs_trace *trace = NULL;
    struct bs_error *err = bs_trace_create(image, length, &trace);
    bs_trace_destroy(trace);
    return err;
}

static void bad_magic(struct image_builder *builder) {
    image_header(builder)->magic++;
}
static void newer_version(struct image_builder *builder) {
    image_header(builder)->version++;
}
static void older_version(struct image_builder *builder) {
    image_header(builder)->version = 0;
}
static void unknown_flag(struct image_builder *builder) {
    image_header(builder)->flags |= BS_IMAGE_FLAGS_KNOWN + 1;
}
static void unknown_python(struct image_builder *builder) {
    image_header(builder)->python = 0x030900f0;
}
static void unknown_engine(struct image_builder *builder) {
    image_header(builder)->engine = 7;
}
static void unknown_outcome(struct image_builder *builder) {
    image_header(builder)->outcome = 99;
}
static void time_not_a_number(struct image_builder *builder) {
    image_header(builder)->overhead_ns = NAN;
}
static void time_negative(struct image_builder *builder) {
    image_header(builder)->elapsed_ns = -1;
}
static void text_outside(struct image_builder *builder) {
    image_header(builder)->engine_text = 1u << 30;
}
static void event_of_no_kind(struct image_builder *builder) {
    struct bs_event event = {.kind = 0};
    image_append(builder, BS_SECTION_EVENTS, &event, sizeof(event));
}
static void stop_in_the_middle(struct image_builder *builder) {
    image_event(builder, BS_EVENT_STOP, 0, 0, 0);
}
static void event_of_no_code(struct image_builder *builder) {
    image_append(builder, BS_SECTION_EVENTS, &(struct bs_event){.kind = BS_EVENT_CALL, .code = 1},
                 sizeof(struct bs_event));
}
static void opcode_past_the_code(struct image_builder *builder) {
    image_append(builder, BS_SECTION_EVENTS,
                 &(struct bs_event){.kind = BS_EVENT_OPCODE, .offset_units = 3},
                 sizeof(struct bs_event));
}
static void value_outside(struct image_builder *builder) {
    image_append(builder, BS_SECTION_EVENTS,
                 &(struct bs_event){.kind = BS_EVENT_RETURN, .text = UINT32_MAX},
                 sizeof(struct bs_event));
}
static void half_an_event(struct image_builder *builder) {
    image_append(builder, BS_SECTION_EVENTS, "abcd", 4);
}
static void step_of_no_code(struct image_builder *builder) {
    image_step(builder, 9, 1, 83, 1);
}
static void step_past_the_code(struct image_builder *builder) {
    image_step(builder, 0, 3, 83, 1);
}
static void step_infinite(struct image_builder *builder) {
    image_step(builder, 0, 1, 83, INFINITY);
}
static void counts_too_few(struct image_builder *builder) {
    image_append(builder, BS_SECTION_COUNTS, &(double){1}, sizeof(double));
}
static void count_infinite(struct image_builder *builder) {
    image_append(builder, BS_SECTION_COUNTS, (const double[]){1, INFINITY}, 2 * sizeof(double));
}
static void code_outside(struct image_builder *builder) {
    image_append(builder, BS_SECTION_CODES, &(uint32_t){1u << 24}, sizeof(uint32_t));
}
/* The same description a thousand times over. */
static void codes_overlap(struct image_builder *builder) {
    uint32_t first = (uint32_t)(4 + 4 + strlen("answer()") + 4 + strlen("answer"));
    for (int i = 0; i < 1000; i++)
        image_append(builder, BS_SECTION_CODES, &first, sizeof(first));
}

TEST(trace, bad_images_are_refused_with_the_place) {
    static const struct {
        void (*change)(struct image_builder *builder);
        enum bs_error_code code;
        const char *part;
    } cases[] = {
        {bad_magic, BS_ERROR_CORRUPT, "does not begin"},
        {newer_version, BS_ERROR_UNSUPPORTED, "the bytesight that made it"},
        {older_version, BS_ERROR_UNSUPPORTED, "the bytesight that made it"},
        {unknown_flag, BS_ERROR_CORRUPT, "flags"},
        {unknown_python, BS_ERROR_UNSUPPORTED, "Python 3.9"},
        {unknown_engine, BS_ERROR_CORRUPT, "engine"},
        {unknown_outcome, BS_ERROR_CORRUPT, "outcome"},
        {time_not_a_number, BS_ERROR_CORRUPT, "header"},
        {time_negative, BS_ERROR_CORRUPT, "header"},
        {text_outside, BS_ERROR_CORRUPT, "no string"},
        {event_of_no_kind, BS_ERROR_CORRUPT, "event 6"},
        {stop_in_the_middle, BS_ERROR_CORRUPT, "event 6: a stop"},
        {half_an_event, BS_ERROR_CORRUPT, "section EVENTS ends in half"},
        {step_of_no_code, BS_ERROR_CORRUPT, "step 3: no such code"},
        {step_past_the_code, BS_ERROR_CORRUPT, "step 3: no instruction"},
        {step_infinite, BS_ERROR_CORRUPT, "step 3: its time"},
        {counts_too_few, BS_ERROR_CORRUPT, "count per step"},
        {count_infinite, BS_ERROR_CORRUPT, "step 2: its count"},
        {code_outside, BS_ERROR_CORRUPT, "no code object"},
        {codes_overlap, BS_ERROR_CORRUPT, "overlap"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        CHECK_ERROR(create_changed(cases[i].change), cases[i].code, cases[i].part);
}

/* An image of no code, of a Python that is not known, with @p calls records of C functions. */
static struct bs_error *create_of_no_code(uint32_t flags, size_t calls) {
    struct image_builder *builder = image_builder_create(0x030900f0);
    const struct bs_call call = {.kind = BS_CALL_OPCODE, .code = BS_CALL_NO_CODE, .opcode = 3};
    size_t length;
    image_header(builder)->engine = BS_ENGINE_PROBE;
    image_header(builder)->flags |= flags;
    image_append(builder, BS_SECTION_CALLS, &call, calls * sizeof(call));
    void *image = image_finish(builder, &length);
    struct bs_trace *trace = NULL;
    struct bs_error *err = bs_trace_create(image, length, &trace);
    bs_trace_destroy(trace);
    return err;
}

/* Where there is nothing of opcodes it need not be told: as when the run was refused. */
TEST(trace, opcodes_are_known_even_where_there_is_no_code) {
    CHECK_OK(create_of_no_code(0, 0));
    CHECK_ERROR(create_of_no_code(BS_IMAGE_TIMED, 0), BS_ERROR_UNSUPPORTED, "Python 3.9");
    CHECK_ERROR(create_of_no_code(0, 1), BS_ERROR_UNSUPPORTED, "Python 3.9");
}

/* The same for events that may not follow a stop. */
static struct bs_error *create_without_stop(void (*change)(struct image_builder *builder)) {
    struct image_builder *builder = image_builder_create(0x030d00f0);
    image_code(builder, &(struct image_code){.bytecode = "\x95\0S\1$\0", .bytecode_length = 6});
    change(builder);
    size_t length;
    void *image = image_finish(builder, &length);
    struct bs_trace *trace = NULL;
    struct bs_error *err = bs_trace_create(image, length, &trace);
    bs_trace_destroy(trace);
    return err;
}

TEST(trace, bad_events_are_refused) {
    CHECK_ERROR(create_without_stop(event_of_no_code), BS_ERROR_CORRUPT, "no such code");
    CHECK_ERROR(create_without_stop(opcode_past_the_code), BS_ERROR_CORRUPT, "no instruction");
    CHECK_ERROR(create_without_stop(value_outside), BS_ERROR_CORRUPT, "no text");
}

/* An image with its sections moved: @p offset, @p capacity and @p used of the events. */
static struct bs_error *create_moved(uint64_t offset, uint64_t capacity, uint64_t used) {
    size_t length;
    struct bs_image_header *header = image_finish(image_small(false), &length);
    struct bs_trace *trace = NULL;
    header->sections[BS_SECTION_EVENTS] = (struct bs_section){offset, capacity, used};
    struct bs_error *err = bs_trace_create(header, length, &trace);
    bs_trace_destroy(trace);
    return err;
}

TEST(trace, sections_must_lie_inside) {
    size_t header = sizeof(struct bs_image_header);
    CHECK_ERROR(create_moved(header, 12, 24), BS_ERROR_CORRUPT, "EVENTS is fuller");
    CHECK_ERROR(create_moved(0, 12, 12), BS_ERROR_CORRUPT, "EVENTS lies outside");
    CHECK_ERROR(create_moved(header + 4, 12, 12), BS_ERROR_CORRUPT, "EVENTS is not aligned");
    CHECK_ERROR(create_moved(UINT64_MAX - 7, 12, 12), BS_ERROR_CORRUPT, "EVENTS lies outside");
    CHECK_ERROR(create_moved(header, UINT64_MAX, UINT64_MAX / 12 * 12), BS_ERROR_CORRUPT,
                "EVENTS lies outside");
    CHECK_OK(create_moved(header, 1 << 20, 0));
}

TEST(trace, cut_anywhere_is_an_error) {
    size_t length;
    _cleanup_free_ void *image = image_finish(image_small(true), &length);
    for (size_t cut = 0; cut < length; cut++) {
        void *copy = malloc(cut ? cut : 1);
        struct bs_trace *trace = NULL;
        memcpy(copy, image, cut);
        struct bs_error *err = bs_trace_create(copy, cut, &trace);
        /* Behind the heap nothing is left in this image. */
        const struct bs_section *last =
            &((const struct bs_image_header *)image)->sections[BS_SECTION_HEAP];
        if (cut >= last->offset_bytes + last->used_bytes)
            CHECK_OK(err);
        else
            CHECK_ERROR(err, BS_ERROR_CORRUPT, "the trace is damaged");
        bs_trace_destroy(trace);
    }
}

TEST(trace, any_byte_flipped_is_survived) {
    size_t length;
    _cleanup_free_ void *image = image_finish(image_small(true), &length);
    for (size_t i = 0; i < length * 8; i++) {
        unsigned char *copy = malloc(length);
        struct bs_trace *trace = NULL;
        memcpy(copy, image, length);
        copy[i / 8] ^= (unsigned char)(1 << i % 8);
        struct bs_error *err = bs_trace_create(copy, length, &trace);
        CHECK(!err == !!trace);
        bs_error_destroy(err);
        bs_trace_destroy(trace);
    }
}
