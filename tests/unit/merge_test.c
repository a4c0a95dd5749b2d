#include "core/trace.h"

#include "check.h"
#include "image_builder.h"

#include <string.h>

/*
 * Matching of steps with events, on 3.11: RESUME, three LOAD_FAST, EXTENDED_ARG with LOAD_CONST, a
 * jump back to the first LOAD_FAST, RETURN_VALUE. What the arguments say does not matter.
 */
enum unit {
    RESUME,
    LOAD_1,
    LOAD_2,
    LOAD_3,
    EXTENDED,
    CONST,
    JUMP,
    RETURN,
};
static const uint8_t bytecode[] = {151, 0, 124, 0, 124, 0, 124, 0, 144, 1, 100, 0, 140, 6, 83, 0};

static struct image_builder *create(void) {
    struct image_builder *builder = image_builder_create(0x030b00f0);
    image_header(builder)->flags = BS_IMAGE_TIMED;
    image_header(builder)->engine = BS_ENGINE_PROBE;
    image_code(builder,
               &(struct image_code){.bytecode = bytecode, .bytecode_length = sizeof(bytecode)});
    return builder;
}

static void add_event(struct image_builder *builder, uint32_t unit) {
    image_event(builder, BS_EVENT_OPCODE, 0, unit, 0);
}

/* A step whose opcode is its place in the list, so that it can be told from others. */
static void add_step(struct image_builder *builder, uint32_t unit, uint8_t tag) {
    image_step(builder, 0, unit, tag, tag);
}

/* An image with these events and steps; lists end with -1. */
static struct bs_trace *create_from(const int *events, const int *steps) {
    struct image_builder *builder = create();
    for (; *events >= 0; events++)
        add_event(builder, (uint32_t)*events);
    for (uint8_t tag = 0; *steps >= 0; steps++)
        add_step(builder, (uint32_t)*steps, tag++);
    return image_trace(builder);
}
#define LIST(...)                                                                                  \
    (const int[]) {                                                                                \
        __VA_ARGS__, -1                                                                            \
    }

/* That event @p index has the steps @p first to @p last; none when last is before first. */
static void check_steps(const struct bs_trace *trace, size_t index, int first, int last) {
    size_t count;
    const struct bs_step *steps = bs_trace_steps(trace, index, &count);
    CHECK_EQ(count, last - first + 1);
    if (steps && count == (size_t)(last - first + 1)) {
        CHECK_EQ(steps[0].opcode, first);
        CHECK_EQ(steps[count - 1].opcode, last);
    }
}

TEST(merge, one_step_for_each_event) {
    _cleanup_trace_ struct bs_trace *trace =
        create_from(LIST(LOAD_1, LOAD_2, RETURN), LIST(LOAD_1, LOAD_2, RETURN));
    for (int i = 0; i < 3; i++)
        check_steps(trace, (size_t)i, i, i);
}

TEST(merge, what_ran_without_event_counts_for_the_next) {
    _cleanup_trace_ struct bs_trace *trace =
        create_from(LIST(LOAD_1, RETURN), LIST(RESUME, LOAD_1, RETURN));
    check_steps(trace, 0, 0, 1);
    check_steps(trace, 1, 2, 2);
}

TEST(merge, second_half_of_a_superinstruction_has_no_step) {
    _cleanup_trace_ struct bs_trace *trace =
        create_from(LIST(LOAD_1, LOAD_2, LOAD_3, JUMP, LOAD_1, LOAD_2, LOAD_3, RETURN),
                    LIST(RESUME, LOAD_1, LOAD_3, JUMP, LOAD_1, LOAD_3, RETURN));
    check_steps(trace, 0, 0, 1);
    check_steps(trace, 1, 0, -1);
    check_steps(trace, 2, 2, 2);
    check_steps(trace, 3, 3, 3);
    check_steps(trace, 4, 4, 4);
    check_steps(trace, 5, 0, -1);
    check_steps(trace, 6, 5, 5);
    check_steps(trace, 7, 6, 6);
}

TEST(merge, half_a_superinstruction_and_an_extra_step_side_by_side) {
    _cleanup_trace_ struct bs_trace *trace =
        create_from(LIST(LOAD_1, LOAD_2, LOAD_3), LIST(LOAD_1, RESUME, LOAD_3));
    check_steps(trace, 0, 0, 0);
    check_steps(trace, 1, 0, -1);
    check_steps(trace, 2, 1, 2);
}

/* Whether an event is at the prefix or past it, both dispatches are its own. */
TEST(merge, extended_arg_goes_with_what_it_extends) {
    for (int unit = EXTENDED; unit <= CONST; unit++) {
        _cleanup_trace_ struct bs_trace *trace =
            create_from(LIST(LOAD_3, unit, RETURN), LIST(LOAD_3, EXTENDED, CONST, RETURN));
        check_steps(trace, 0, 0, 0);
        check_steps(trace, 1, 1, 2);
        check_steps(trace, 2, 3, 3);
    }
}

/* From 3.12 on both have events. */
TEST(merge, extended_arg_with_an_event_of_its_own) {
    _cleanup_trace_ struct bs_trace *trace =
        create_from(LIST(EXTENDED, CONST, EXTENDED, CONST, RETURN),
                    LIST(EXTENDED, CONST, EXTENDED, CONST, RETURN));
    for (int i = 0; i < 5; i++)
        check_steps(trace, (size_t)i, i, i);
}

/*
 * A function that calls itself, and makes a coroutine with that. Nothing of the frame that does has
 * an event; the call that entered it has, and what comes after belongs to what comes after.
 */
TEST(merge, making_a_generator_goes_with_the_call) {
    enum {
        COPY_FREE,
        GENERATOR,
        AWAKE,
        CALL,
        DONE
    };
    static const uint8_t bytes[] = {149, 0, 75, 0, 151, 0, 142, 0, 83, 0};
    struct image_builder *builder = image_builder_create(0x030b00f0);
    image_header(builder)->flags = BS_IMAGE_TIMED;
    image_header(builder)->engine = BS_ENGINE_PROBE;
    image_code(builder, &(struct image_code){.bytecode = bytes, .bytecode_length = sizeof(bytes)});
    add_event(builder, CALL);
    image_event(builder, BS_EVENT_LINE, 0, 0, 1);
    add_event(builder, DONE);
    static const uint8_t ran[] = {AWAKE, CALL, COPY_FREE, GENERATOR, AWAKE, DONE};
    for (uint8_t i = 0; i < sizeof(ran); i++)
        add_step(builder, ran[i], i);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    check_steps(trace, 0, 0, 3);
    check_steps(trace, 2, 4, 5);
    CHECK_EQ(bs_trace_opcode(trace, 0), 1);
    CHECK_EQ(bs_trace_opcode(trace, 2), 5);
}

TEST(merge, a_loop_of_one_extended_instruction_is_not_swallowed) {
    _cleanup_trace_ struct bs_trace *trace =
        create_from(LIST(CONST, CONST), LIST(EXTENDED, CONST, EXTENDED, CONST));
    check_steps(trace, 0, 0, 1);
    check_steps(trace, 1, 2, 3);
}

TEST(merge, finds_its_way_back_after_a_long_gap) {
    struct image_builder *builder = create();
    add_event(builder, LOAD_1);
    add_event(builder, RETURN);
    add_step(builder, LOAD_1, 0);
    for (int i = 0; i < 5000; i++)
        add_step(builder, LOAD_3, 1);
    add_step(builder, RETURN, 2);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    check_steps(trace, 0, 0, 0);
    size_t count;
    const struct bs_step *steps = bs_trace_steps(trace, 1, &count);
    CHECK_EQ(count, 5001);
    CHECK_EQ(steps[count - 1].opcode, 2);
}

TEST(merge, finds_its_way_back_after_many_events_without_steps) {
    struct image_builder *builder = create();
    add_event(builder, LOAD_1);
    for (int i = 0; i < 5000; i++)
        add_event(builder, LOAD_3);
    add_event(builder, RETURN);
    add_step(builder, LOAD_1, 0);
    add_step(builder, RETURN, 1);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    check_steps(trace, 0, 0, 0);
    check_steps(trace, 5000, 0, -1);
    check_steps(trace, 5001, 1, 1);
}

TEST(merge, garbage_takes_linear_time) {
    struct image_builder *builder = create();
    for (int i = 0; i < 300000; i++) {
        add_event(builder, i % 2 ? LOAD_1 : LOAD_2);
        add_step(builder, i % 3 ? LOAD_3 : RETURN, 0);
    }
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    for (size_t i = 0; i < trace->event_count; i += 1000)
        check_steps(trace, i, 0, -1);
    CHECK_EQ(trace->merge.ordered_end, 0);
}

TEST(merge, nothing_but_prefixes_take_linear_time) {
    enum {
        UNITS = 40000
    };
    static uint8_t prefixes[2 * UNITS];
    struct image_builder *builder = image_builder_create(0x030b00f0);
    for (size_t i = 0; i < UNITS; i++)
        prefixes[2 * i] = bytecode[2 * EXTENDED];
    image_code(builder,
               &(struct image_code){.bytecode = prefixes, .bytecode_length = sizeof(prefixes)});
    image_header(builder)->flags = BS_IMAGE_TIMED;
    for (int i = 0; i < 200000; i++)
        add_event(builder, 0);
    add_step(builder, 0, 7);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    check_steps(trace, 0, 7, 7);
}

TEST(merge, steps_without_events_and_events_without_steps) {
    _cleanup_trace_ struct bs_trace *steps = create_from((const int[]){-1}, LIST(LOAD_1, LOAD_2));
    CHECK_EQ(steps->merge.ordered_end, 0);
    _cleanup_trace_ struct bs_trace *events = create_from(LIST(LOAD_1), (const int[]){-1});
    check_steps(events, 0, 0, -1);
}

TEST(merge, per_instruction_steps_are_looked_up) {
    struct image_builder *builder = create();
    image_header(builder)->flags |= BS_IMAGE_PER_INSTRUCTION;
    for (int i = 0; i < 4; i++)
        add_event(builder, i % 2 ? LOAD_2 : LOAD_1);
    add_event(builder, LOAD_3);
    add_event(builder, CONST);
    add_step(builder, LOAD_1, 0);
    add_step(builder, LOAD_2, 1);
    add_step(builder, EXTENDED, 2);
    add_step(builder, CONST, 3);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    for (size_t i = 0; i < 4; i++)
        check_steps(trace, i, i % 2, i % 2);
    check_steps(trace, 4, 0, -1);
    check_steps(trace, 5, 3, 3);
}

TEST(merge, after_a_divergence_steps_are_looked_up) {
    struct image_builder *builder = create();
    image_header(builder)->flags |= BS_IMAGE_DIVERGED;
    image_header(builder)->diverged_event = 2;
    image_header(builder)->diverged_step = 2;
    for (int i = 0; i < 6; i++)
        add_event(builder, i % 2 ? LOAD_2 : LOAD_1);
    for (uint8_t i = 0; i < 4; i++)
        add_step(builder, i % 2 ? LOAD_2 : LOAD_1, i);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    for (int i = 0; i < 6; i++)
        check_steps(trace, (size_t)i, i < 2 ? i : 2 + i % 2, i < 2 ? i : 2 + i % 2);
}

TEST(merge, places_of_a_divergence_that_do_not_exist_are_survived) {
    struct image_builder *builder = create();
    image_header(builder)->flags |= BS_IMAGE_DIVERGED;
    image_header(builder)->diverged_event = UINT32_MAX;
    image_header(builder)->diverged_step = UINT32_MAX;
    add_event(builder, LOAD_1);
    add_step(builder, LOAD_1, 0);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    check_steps(trace, 0, 0, 0);
}
