#include "core/listing.h"

#include "check.h"
#include "image_builder.h"

#include <string.h>

#define LOAD_FAST__LOAD_FAST 46 /* of 3.11 */

static void check_listing(const struct bs_trace *trace, struct bs_listing_options options,
                          const char *expected) {
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    CHECK_OK(bs_listing_render(trace, &options, &buffer));
    CHECK_OK(bs_buffer_status(&buffer));
    CHECK_BYTES(buffer.data, buffer.length, expected);
}

static const char trace_text[] = "//// Trace of `answer` :\n"
                                 "\n"
                                 "// ============= small:7 `answer` ==============\n"
                                 "// >>> return 42\n"
                                 "  8         2   LOAD_CONST           1   (42)\n"
                                 "  8         4   RETURN_VALUE             ()\n"
                                 "// =============================================\n"
                                 "\n";

TEST(listing, trace_has_no_times) {
    _cleanup_trace_ struct bs_trace *trace = image_trace(image_small(false));
    check_listing(trace, (struct bs_listing_options){0}, trace_text);
}

/* Of what is written in C alone the end is all there is to tell. */
TEST(listing, trace_of_no_bytecode_says_so) {
    for (int raised = 0; raised < 2; raised++) {
        struct image_builder *builder = image_builder_create(0x030d00f0);
        struct bs_image_header *header = image_header(builder);
        header->function_text = image_string(builder, "int");
        if (raised) {
            header->outcome = BS_OUTCOME_RAISED;
            header->outcome_text = image_raised(builder, "ValueError", "invalid literal");
        }
        image_event(builder, BS_EVENT_STOP, 0, 0, 0);
        _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
        check_listing(trace, (struct bs_listing_options){0},
                      raised ? "//// Trace of `int` :\n\n"
                               "// no bytecode ran: all of it is C, and it raised ValueError: "
                               "invalid literal\n"
                             : "//// Trace of `int` :\n\n"
                               "// no bytecode ran: all of it is C, and it returned\n");
    }
}

/* What a call of a generator function or a coroutine function does is not what it is called for. */
TEST(listing, trace_of_what_has_yet_to_run_says_so) {
    struct image_builder *builder = image_builder_create(0x030d00f0);
    struct bs_image_header *header = image_header(builder);
    header->function_text = image_string(builder, "step");
    header->outcome_text = image_string(builder, "coroutine");
    image_event(builder, BS_EVENT_STOP, 0, 0, 0);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    check_listing(trace, (struct bs_listing_options){0},
                  "//// Trace of `step` :\n\n"
                  "// no line of it ran: it returned a coroutine, whose code runs when it is "
                  "awaited: asyncio:run(CALL)\n");
}

TEST(listing, profile_can_be_shown_as_a_trace) {
    _cleanup_trace_ struct bs_trace *trace = image_trace(image_small(true));
    check_listing(trace, (struct bs_listing_options){.no_times = true}, trace_text);
}

TEST(listing, profile_has_a_time_beside_each_opcode) {
    _cleanup_trace_ struct bs_trace *trace = image_trace(image_small(true));
    check_listing(trace, (struct bs_listing_options){.no_header = true},
                  "//// Trace of `answer` :\n"
                  "\n"
                  "// ============= small:7 `answer` ==============\n"
                  "// >>> return 42\n"
                  "  8         2   LOAD_CONST           1   (42)     20 ns  #3\n"
                  "  8         4   RETURN_VALUE             ()       10 ns  #4\n"
                  "// =============================================  30 ns\n"
                  "\n");
}

TEST(listing, profile_begins_with_its_header) {
    _cleanup_trace_ struct bs_trace *trace = image_trace(image_small(true));
    _cleanup_buffer_ struct bs_buffer expected = BS_BUFFER_INIT;
    bs_listing_statistics(trace, BS_STATISTIC_MIN, &expected);
    bs_buffer_char(&expected, '\n');
    CHECK_OK(bs_listing_render(trace, &(struct bs_listing_options){.no_header = true}, &expected));
    bs_buffer_char(&expected, '\0');
    check_listing(trace, (struct bs_listing_options){0}, expected.data);
}

TEST(listing, header_of_a_profile) {
    struct image_builder *builder = image_small(true);
    struct bs_image_header *header = image_header(builder);
    header->engine_text = image_string(builder, "no dispatch table was found");
    header->flags |= BS_IMAGE_DIVERGED | BS_IMAGE_DEBUG_BUILD;
    header->diverged_event = 3;
    header->diverged_step = 1;
    header->aftermath_ppm = 71000;
    header->entry_ns = 1.5;
    header->outcome = BS_OUTCOME_RAISED;
    header->outcome_text = image_raised(builder, "ValueError", "bottom");
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    bs_listing_statistics(trace, BS_STATISTIC_MEDIAN, &buffer);
    CHECK_BYTES(
        buffer.data, buffer.length,
        "//// Profile of `answer()` on CPython 3.13.0 :\n"
        "//\n"
        "//                             one run    per event   per opcode\n"
        "//   uninstrumented            30.0 ns       5.0 ns      15.0 ns   mean of 1,500 runs, "
        "median 32.0 ns\n"
        "//   instrumented              60.0 ns      10.0 ns      30.0 ns   2.0 times as long\n"
        "//   opcode overhead           20.0 ns       3.3 ns      10.0 ns   10.00 ns +- 0.37 ns "
        "taken off each time\n"
        "//   remaining overhead        10.0 ns       1.7 ns       5.0 ns   of tracing, in no "
        "opcode's time\n"
        "//   elapsed                 1000.0 us     166.7 us     500.0 us   for all of it, warm-up "
        "and repeats included\n"
        "//\n"
        "//   recorded            6 events, 2 of them opcodes\n"
        "//   times               median over 1,500 repeats after 1,500 warm-ups; typically uncertain "
        "by 0.8 ns\n"
        "//   scale               2.000: the times added up to 15.0 ns, and were scaled to 30.0 ns\n"
        "//   entry               1.5 ns of the first opcode's time passed before it began, on the way "
        "from the call into the interpreter\n"
        "//   aftermath           7.1 % of an opcode's time is what those after it waited for it, and "
        "is not in theirs\n"
        "//   engine              settrace, in a clone of the process; no dispatch table was found\n"
        "//   clock               system at 1000.0 MHz, shows steps of 0.50 ns\n"
        "//   marks               ^ ran as one with the opcode above, < less than can be told from "
        "nothing, #N for show --event N\n"
        "//   note                this Python is a debug build: its own checks are in every time and "
        "in the C functions\n"
        "//   note                the call raised ValueError: bottom\n"
        "//   note                repeats took different paths from event 4 on: from there each "
        "time is that of the instruction, over all its executions\n");
}

TEST(listing, times_of_instructions_are_told_from_those_of_events) {
    struct image_builder *builder = image_small(true);
    image_header(builder)->flags |= BS_IMAGE_PER_INSTRUCTION;
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    bs_listing_statistics(trace, BS_STATISTIC_MIN, &buffer);
    CHECK(strstr(buffer.data,
                 "//   note                too long to time each event by itself: each "
                 "time is that of the instruction, over all its executions\n"));
}

/* Of each run it times a part: what it takes off a time is more than a run has of it. */
TEST(listing, durations_add_up_under_the_probe) {
    struct image_builder *builder = image_small(true);
    image_header(builder)->engine = BS_ENGINE_PROBE;
    image_header(builder)->flags |= BS_IMAGE_PATTERNED;
    image_header(builder)->instrumented_ns = 42; /* 20 ns would be taken off the times */
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    bs_listing_statistics(trace, BS_STATISTIC_MIN, &buffer);
    CHECK(
        strstr(buffer.data,
               "//   uninstrumented            30.0 ns       5.0 ns      15.0 ns   in fast "
               "moments; before, 1,500 runs had a median of 32.0 ns\n"
               "//   instrumented              42.0 ns       7.0 ns      21.0 ns   1.4 times as "
               "long\n"
               "//   opcode overhead           12.0 ns       2.0 ns       6.0 ns   10.00 ns taken "
               "off each time on the average; most repeats time one opcode in seven\n"
               "//   remaining overhead         0.0 ns       0.0 ns       0.0 ns"));
}

/* A CALL of something written in C alone. */
TEST(listing, without_opcodes_none_has_a_share) {
    struct image_builder *builder = image_builder_create(0x030d00f0);
    image_header(builder)->flags = BS_IMAGE_TIMED;
    image_header(builder)->uninstrumented_ns = 30;
    image_header(builder)->elapsed_ns = 1e6;
    image_event(builder, BS_EVENT_STOP, 0, 0, 0);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    bs_listing_statistics(trace, BS_STATISTIC_MIN, &buffer);
    bs_buffer_char(&buffer, '\0');
    CHECK(strstr(buffer.data, "//   elapsed                 1000.0 us    1000.0 us                "
                              "for all of it"));
}

TEST(listing, a_trace_has_no_statistics) {
    _cleanup_trace_ struct bs_trace *trace = image_trace(image_small(false));
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    bs_listing_statistics(trace, BS_STATISTIC_MIN, &buffer);
    CHECK_EQ(buffer.length, 0);
}

/*
 * On 3.11: a superinstruction of two LOAD_FAST, a RESUME that counts for the first of them, a time
 * too small to be told, and one that nothing was found for.
 */
TEST(listing, times_that_are_special) {
    static const uint8_t bytecode[] = {151, 0, 124, 0, 124, 1, 83, 0, 83, 0};
    struct image_builder *builder = image_builder_create(0x030b00f0);
    struct bs_image_header *header = image_header(builder);
    header->flags = BS_IMAGE_TIMED;
    header->engine = BS_ENGINE_PROBE;
    header->clock_step_ns = 1;
    header->overhead_ns = 10;
    uint32_t code =
        image_code(builder, &(struct image_code){.qualname = "f",
                                                 .filename = "f.py",
                                                 .first_line = 1,
                                                 .bytecode = bytecode,
                                                 .bytecode_length = sizeof(bytecode),
                                                 .locals = (const char *[]){"x", "y", NULL}});
    image_event(builder, BS_EVENT_CALL, code, 1, 0);
    for (uint32_t unit = 1; unit < 4; unit++)
        image_event(builder, BS_EVENT_OPCODE, code, unit, 0);
    image_event(builder, BS_EVENT_RETURN, code, 0, 0);
    image_event(builder, BS_EVENT_OPCODE, code, 4, 0);
    image_step(builder, code, 0, 151, 15);
    image_step(builder, code, 1, LOAD_FAST__LOAD_FAST, 17);
    image_step(builder, code, 3, 83, 10);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    check_listing(trace, (struct bs_listing_options){.no_header = true, .adaptive = true},
                  "//// Trace of `f` :\n"
                  "\n"
                  "// ================== f:1 `f` ==================\n"
                  "            2   LOAD_FAST__LOAD_FAST 0   (x)      12 ns  #2\n"
                  "            4   LOAD_FAST            1   (y)       ^     #3\n"
                  "            6   RETURN_VALUE             ()       <1 ns  #4\n"
                  "// =============================================  12 ns\n"
                  "\n"
                  "            8   RETURN_VALUE             ()              #6\n");
}

/* The digits are for what is usual: a time that is better known is never told as "0 ns". */
TEST(listing, times_below_the_last_digit) {
    struct image_builder *builder = image_builder_create(0x030d00f0);
    image_header(builder)->flags = BS_IMAGE_TIMED;
    uint32_t code =
        image_code(builder, &(struct image_code){.qualname = "f",
                                                 .bytecode = "\x95\0\x1f\0\x1f\0\x1f\0\x1f\0$\0",
                                                 .bytecode_length = 12});
    image_event(builder, BS_EVENT_CALL, code, 1, 0);
    for (uint32_t unit = 1; unit < 6; unit++)
        image_event(builder, BS_EVENT_OPCODE, code, unit, 0);
    image_event(builder, BS_EVENT_RETURN, code, 0, 0);
    const struct bs_step steps[] = {
        {31, code, 1, 1, 1, 1, .error = 16, .error_shift = 1},
        {31, code, 2, 6, 6, 6, .error = 16, .error_shift = 1},
        {31, code, 3, 8, 8, 8, .error = 22, .error_shift = 3},
        {31, code, 4, 9, 9, 9, .error = 22, .error_shift = 3},
        {36, code, 5, 51, 51, 51, .error = 22, .error_shift = 3},
    };
    image_append(builder, BS_SECTION_STEPS, steps, sizeof(steps));
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    check_listing(trace, (struct bs_listing_options){.no_header = true},
                  "//// Trace of `f` :\n"
                  "\n"
                  "// ================== :1 `f` ===================\n"
                  "            2   POP_EXCEPT               ()       <10 ns  #2\n"
                  "            4   POP_EXCEPT               ()        10 ns  #3\n"
                  "            6   POP_EXCEPT               ()       <10 ns  #4\n"
                  "            8   POP_EXCEPT               ()       <10 ns  #5\n"
                  "            10  RETURN_VALUE             ()        50 ns  #6\n"
                  "// =============================================   80 ns\n"
                  "\n");
}

TEST(listing, frames_are_indented_and_summed) {
    struct image_builder *builder = image_builder_create(0x030d00f0);
    image_header(builder)->flags = BS_IMAGE_TIMED;
    image_header(builder)->clock_step_ns = 1;
    uint32_t code = image_code(
        builder,
        &(struct image_code){.qualname = "f", .bytecode = "\x95\0S\1$\0", .bytecode_length = 6});
    image_event(builder, BS_EVENT_CALL, code, 1, 0);
    image_event(builder, BS_EVENT_OPCODE, code, 1, 0);
    image_event(builder, BS_EVENT_CALL, code, 1, 0);
    image_event(builder, BS_EVENT_OPCODE, code, 1, 0);
    image_event(builder, BS_EVENT_EXCEPTION, code, 0, image_raised(builder, "KeyError", ""));
    image_event(builder, BS_EVENT_RETURN, code, 0, 0);
    image_event(builder, BS_EVENT_OPCODE, code, 2, 0);
    image_event(builder, BS_EVENT_RETURN, code, 0, 0);
    image_event(builder, BS_EVENT_STOP, 0, 0, 0);
    for (int i = 0; i < 3; i++)
        image_step(builder, code, i < 2 ? 1 : 2, 0, (float)(10 * (i + 1)));
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    check_listing(trace, (struct bs_listing_options){.no_header = true},
                  "//// Trace of `f` :\n"
                  "\n"
                  "// ================== :1 `f` ===================\n"
                  "            2   LOAD_CONST           1   (<out of range>)      10 ns  #2\n"
                  "\n"
                  "    // ================== :1 `f` ===================\n"
                  "                2   LOAD_CONST           1   (<out of range>)  20 ns  #4\n"
                  "\n"
                  "    // !!!!!!!!!!!!!!!! `KeyError` !!!!!!!!!!!!!!!!!\n"
                  "    // =============================================           20 ns\n"
                  "\n"
                  "            4   RETURN_VALUE             ()                    30 ns  #7\n"
                  "// =============================================               60 ns\n"
                  "\n");
    _cleanup_buffer_ struct bs_buffer inner = BS_BUFFER_INIT, after = BS_BUFFER_INIT;
    CHECK_OK(bs_listing_event(trace, 4, &inner));
    CHECK(memmem(inner.data, inner.length, ", depth 1\n", 10));
    CHECK_OK(bs_listing_event(trace, 7, &after));
    CHECK(memmem(after.data, after.length, ", depth 0\n", 10));
}

TEST(listing, ranges) {
    _cleanup_trace_ struct bs_trace *trace = image_trace(image_small(false));
    check_listing(trace, (struct bs_listing_options){.first = 3, .last = 4},
                  "//// Trace of `answer`, events 3 to 4 :\n"
                  "\n"
                  "  8         2   LOAD_CONST           1   (42)\n"
                  "  8         4   RETURN_VALUE             ()\n");
    check_listing(trace, (struct bs_listing_options){.first = 4, .last = 99},
                  "//// Trace of `answer`, events 4 to 6 :\n"
                  "\n"
                  "  8         4   RETURN_VALUE             ()\n"
                  "// =============================================\n"
                  "\n");
    check_listing(trace, (struct bs_listing_options){.first = 6, .last = UINT64_MAX},
                  "//// Trace of `answer`, events 6 to 6 :\n\n");
    check_listing(trace, (struct bs_listing_options){.first = 4, .last = 4},
                  "//// Trace of `answer`, events 4 to 4 :\n"
                  "\n"
                  "  8         4   RETURN_VALUE             ()\n");
}

static struct bs_error *range_of(const struct bs_trace *trace, uint64_t first, uint64_t last) {
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    return bs_listing_render(trace, &(struct bs_listing_options){.first = first, .last = last},
                             &buffer);
}

TEST(listing, ranges_that_do_not_exist) {
    _cleanup_trace_ struct bs_trace *trace = image_trace(image_small(false));
    CHECK_ERROR(range_of(trace, 7, 9), BS_ERROR_USAGE,
                "no events 7 to 9: the trace has events 1 to 6");
    CHECK_ERROR(range_of(trace, 7, UINT64_MAX), BS_ERROR_USAGE,
                "no events from 7 on: the trace has events 1 to 6");
    CHECK_ERROR(range_of(trace, 3, 2), BS_ERROR_USAGE, "no events 3 to 2");
    CHECK_ERROR(range_of(trace, 0, 2), BS_ERROR_USAGE, "no events 0 to 2");
    CHECK_ERROR(range_of(trace, UINT64_MAX, UINT64_MAX), BS_ERROR_USAGE, "no events");
    _cleanup_trace_ struct bs_trace *empty = image_trace(image_builder_create(0x030d00f0));
    CHECK_ERROR(range_of(empty, 1, 1), BS_ERROR_USAGE, "the trace has no events");
    check_listing(empty, (struct bs_listing_options){0}, "//// Trace of `` :\n");
}

/* The small trace, without much of what happened in it, is listed with @p part, and its profile
   has @p note. */
static void check_lost(uint32_t flags, const char *part, const char *note) {
    for (int timed = 0; timed < 2; timed++) {
        struct image_builder *builder = image_small(timed);
        image_header(builder)->flags |= flags;
        image_header(builder)->events_seen = 1234567;
        _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
        _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
        CHECK_OK(bs_listing_render(trace, &(struct bs_listing_options){0}, &buffer));
        bs_buffer_char(&buffer, 0);
        CHECK(strstr(buffer.data, part));
        CHECK_EQ(strstr(buffer.data, note) != NULL, timed);
    }
}

/* Five events and the STOP. */
TEST(listing, lost_events_are_told) {
    check_lost(BS_IMAGE_EVENTS_LOST,
               "// ... and 1,234,561 more events, which were not kept: --max-events is 5\n",
               "only the first 5 of 1,234,566 events were kept (--max-events)\n");
}

TEST(listing, one_lost_event_is_one) {
    struct image_builder *builder = image_small(false);
    image_header(builder)->flags |= BS_IMAGE_EVENTS_LOST;
    image_header(builder)->events_seen = 7;
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    CHECK_OK(bs_listing_render(trace, &(struct bs_listing_options){0}, &buffer));
    bs_buffer_char(&buffer, 0);
    CHECK(strstr(buffer.data, "// ... and 1 more event, which was not kept: --max-events is 5\n"));
}

TEST(listing, a_full_image_is_told_from_the_limit) {
    check_lost(BS_IMAGE_EVENTS_LOST | BS_IMAGE_FULL,
               "more events, which were not kept: the room for code and texts is full\n",
               "only the first 5 of 1,234,566 events were kept (the room for code and texts is "
               "full)\n");
}

TEST(listing, styles_are_in_order_and_inside) {
    _cleanup_trace_ struct bs_trace *trace = image_trace(image_small(true));
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    bool seen[BS_STYLE_COUNT] = {false};
    CHECK_OK(bs_listing_render(trace, &(struct bs_listing_options){0}, &buffer));
    for (size_t i = 0; i < buffer.span_count; i++) {
        CHECK(!i || buffer.spans[i].start_bytes >= buffer.spans[i - 1].start_bytes);
        CHECK(buffer.spans[i].start_bytes <= buffer.length);
        seen[buffer.spans[i].style] = true;
    }
    CHECK(seen[BS_STYLE_TITLE] && seen[BS_STYLE_OPCODE] && seen[BS_STYLE_ADDRESS] &&
          seen[BS_STYLE_VARIABLE] && seen[BS_STYLE_SOURCE] && seen[BS_STYLE_TIME]);
    CHECK_EQ(buffer.spans[buffer.span_count - 1].style, BS_STYLE_PLAIN);
}

/* A sink that fails ends the listing, and its error comes out. */
static struct bs_error *full(void *arg, const char *data, size_t length,
                             const struct bs_span *spans, size_t span_count) {
    ++*(int *)arg;
    return bs_error_create(BS_ERROR_INTERRUPTED, "enough");
}

TEST(listing, a_sink_that_fails_ends_it) {
    struct image_builder *builder = image_builder_create(0x030d00f0);
    uint32_t code = image_code(builder, &(struct image_code){.qualname = "f"});
    for (int i = 0; i < 100000; i++)
        image_event(builder, BS_EVENT_LINE, code, 1, 0);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    int calls = 0;
    _cleanup_buffer_ struct bs_buffer buffer = {.sink = full, .sink_arg = &calls};
    CHECK_OK(bs_listing_render(trace, &(struct bs_listing_options){0}, &buffer));
    CHECK_ERROR(bs_buffer_status(&buffer), BS_ERROR_INTERRUPTED, "enough");
    CHECK_EQ(calls, 1);
}

/* Half a million calls without a return: the lines do not grow without end. */
TEST(listing, indentation_is_bounded) {
    struct image_builder *builder = image_builder_create(0x030d00f0);
    uint32_t code = image_code(builder, &(struct image_code){.qualname = "f"});
    for (int i = 0; i < 2000; i++)
        image_event(builder, BS_EVENT_CALL, code, 1, 0);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    CHECK_OK(bs_listing_render(trace, &(struct bs_listing_options){0}, &buffer));
    CHECK(buffer.length < 2000 * (4000 + 60));
}

static void check_event(const struct bs_trace *trace, uint64_t number, const char *expected) {
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    CHECK_OK(bs_listing_event(trace, number, &buffer));
    CHECK_BYTES(buffer.data, buffer.length, expected);
}

TEST(listing, one_event_in_full) {
    _cleanup_trace_ struct bs_trace *trace = image_trace(image_small(true));
    check_event(trace, 1,
                "//// Event 1 of 6 of `answer`, call :\n"
                "  in            answer, /x/small.py:7, depth 0\n");
    check_event(trace, 2,
                "//// Event 2 of 6 of `answer`, line :\n"
                "  line          8  return 42\n"
                "  in            answer, /x/small.py:7, depth 0\n");
    check_event(trace, 3,
                "//// Event 3 of 6 of `answer`, opcode :\n"
                "  opcode        LOAD_CONST (83)\n"
                "  argument      1  42\n"
                "  offset        2\n"
                "  line          8  return 42\n"
                "  in            answer, /x/small.py:7, depth 0\n"
                "  time          20.00 ns minimum, 20.00 ns median, 20.00 ns mean, uncertain by "
                "0.85 ns\n"
                "  as measured   20.00 ns minimum, of which 10.00 ns are the engine's; scaled by "
                "2.000\n");
    check_event(trace, 5,
                "//// Event 5 of 6 of `answer`, return :\n"
                "  value         42\n"
                "  in            answer, /x/small.py:7, depth 0\n");
    check_event(trace, 6,
                "//// Event 6 of 6 of `answer`, stop :\n"
                "  outcome       return\n");
    struct bs_buffer none = BS_BUFFER_INIT;
    CHECK_ERROR(bs_listing_event(trace, 7, &none), BS_ERROR_USAGE, "no event 7: the trace has 6");
    CHECK_ERROR(bs_listing_event(trace, 0, &none), BS_ERROR_USAGE, "no event 0");
}

/* RESUME has no event: it ran before LOAD_CONST, and its time is in that one's. */
TEST(listing, one_event_tells_all_that_ran_for_it) {
    struct image_builder *builder = image_small(false);
    image_step(builder, 0, 0, 149, 3);
    image_step(builder, 0, 1, 83, 20);
    image_header(builder)->flags |= BS_IMAGE_TIMED;
    image_header(builder)->engine = BS_ENGINE_PROBE;
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    check_event(trace, 3,
                "//// Event 3 of 6 of `answer`, opcode :\n"
                "  opcode        LOAD_CONST (83)\n"
                "  argument      1  42\n"
                "  offset        2\n"
                "  line          8  return 42\n"
                "  in            answer, /x/small.py:7, depth 0\n"
                "  time          23.00 ns minimum, 23.00 ns median, 23.00 ns mean, uncertain by "
                "0.00 ns\n"
                "  as measured   23.00 ns minimum, of which 0.00 ns are the engine's; scaled by "
                "1.000\n"
                "  ran               3.00 ns  RESUME (149)\n"
                "                   20.00 ns  LOAD_CONST (83)\n");
}

/* Event 3 was LOAD_CONST in the end, and LOAD_FAST in some of the repeats. */
static struct bs_trace *reformed_trace(void) {
    static const struct bs_step steps[] = {
        {.opcode = 83, .offset_units = 1, .min_ns = 20, .other_opcode = 85},
        {.opcode = 36, .offset_units = 2, .min_ns = 15},
    };
    struct image_builder *builder = image_small(false);
    image_append(builder, BS_SECTION_STEPS, steps, sizeof(steps));
    image_header(builder)->flags |= BS_IMAGE_TIMED;
    image_header(builder)->uninstrumented_ns = 30;
    image_header(builder)->repeats = 2;
    return image_trace(builder);
}

TEST(listing, other_forms_in_other_repeats_are_named) {
    _cleanup_trace_ struct bs_trace *trace = reformed_trace();
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    if (!CHECK(trace))
        return;
    CHECK_EQ(bs_trace_other_opcode(trace, 2), 85);
    CHECK_EQ(bs_trace_other_opcode(trace, 3), 0);
    CHECK_EQ(bs_trace_other_opcode(trace, 0), 0);
    CHECK_OK(bs_listing_event(trace, 3, &buffer));
    bs_listing_statistics(trace, BS_STATISTIC_MIN, &buffer);
    bs_buffer_char(&buffer, '\0');
    CHECK(strstr(buffer.data, "LOAD_CONST (83), in other repeats as LOAD_FAST (85)"));
    CHECK(strstr(buffer.data, "specialisation changed between repeats at 1 of the opcodes; show "
                              "--event 3 names both forms of the first of them"));
}

/* A function of which the repeats ran the instruction at code unit @p ran only. */
static struct bs_trace *untimed_trace(uint8_t opcode, uint32_t ran) {
    /* Python 3.13: @p opcode 0, LOAD_CONST 0, RETURN_VALUE. */
    const uint8_t bytecode[] = {opcode, 0, 83, 0, 36, 0};
    const struct bs_step step = {.opcode = bytecode[2 * ran], .offset_units = ran, .min_ns = 20};
    struct image_builder *builder = image_builder_create(0x030d00f0);
    uint32_t code =
        image_code(builder, &(struct image_code){.qualname = "f",
                                                 .bytecode = bytecode,
                                                 .bytecode_length = sizeof(bytecode),
                                                 .consts = (const char *[]){"7", NULL}});
    image_event(builder, BS_EVENT_CALL, code, 1, 0);
    for (uint32_t unit = 0; unit < 3; unit++)
        image_event(builder, BS_EVENT_OPCODE, code, unit, 0);
    image_append(builder, BS_SECTION_STEPS, &step, sizeof(step));
    image_header(builder)->engine = BS_ENGINE_PROBE;
    image_header(builder)->flags |= BS_IMAGE_TIMED | BS_IMAGE_DIVERGED;
    image_header(builder)->uninstrumented_ns = 30;
    image_header(builder)->repeats = 2;
    return image_trace(builder);
}

/* Whether the statistics of @p trace, which is released, contain @p text. */
static bool has_note(struct bs_trace *trace, const char *text) {
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    if (!CHECK(trace))
        return false;
    bs_listing_statistics(trace, BS_STATISTIC_MIN, &buffer);
    bs_buffer_char(&buffer, '\0');
    bs_trace_destroy(trace);
    return strstr(buffer.data, text);
}

TEST(listing, an_entry_that_is_next_to_nothing_is_left_out) {
    struct image_builder *builder = image_small(true);
    image_header(builder)->entry_ns = 0.2;
    CHECK(!has_note(image_trace(builder), "//   entry "));
    builder = image_small(true);
    image_header(builder)->entry_ns = 0.4;
    CHECK(has_note(image_trace(builder), "//   entry "));
}

TEST(listing, one_is_not_many) {
    struct image_builder *builder = image_small(true);
    struct bs_image_header *header = image_header(builder);
    header->repeats = header->warmups = header->uninstrumented_repeats = 1;
    CHECK(has_note(image_trace(builder), "minimum over 1 repeat after 1 warm-up; typically"));
    builder = image_small(true);
    image_header(builder)->uninstrumented_repeats = 1;
    CHECK(has_note(image_trace(builder), "fastest of 1 run, median"));
}

TEST(listing, opcodes_that_no_repeat_came_to_are_counted) {
    CHECK(has_note(untimed_trace(79 /* JUMP_FORWARD */, 0),
                   "no repeat timed 2 of the opcodes, from event 3 on: they have no time"));
}

TEST(listing, machine_code_that_python_made_is_told_of) {
    static const char note[] = "Python ran machine code made of opcodes (PYTHON_JIT), first at "
                               "event 2: all its time is with the opcode that enters it";
    CHECK(has_note(untimed_trace(70 /* ENTER_EXECUTOR */, 0), note));
    CHECK(!has_note(untimed_trace(79 /* JUMP_FORWARD */, 0), "PYTHON_JIT"));
}

TEST(listing, what_ran_with_the_opcode_above_has_its_time_there) {
    CHECK(!has_note(untimed_trace(85 /* LOAD_FAST */, 0), "no time"));
}

TEST(listing, first_opcodes_that_are_not_dispatched_are_counted) {
    CHECK(has_note(untimed_trace(85 /* LOAD_FAST */, 1),
                   "past its table: 1 of the opcodes has no time of its own, it is with"));
    CHECK(!has_note(untimed_trace(85 /* LOAD_FAST */, 1), "no repeat timed"));
}
