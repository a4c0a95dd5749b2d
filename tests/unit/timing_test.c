#include "core/timing.h"

#include "check.h"
#include "image_builder.h"

#include <math.h>

static bool near(double a, double b) {
    return fabs(a - b) <= 1e-9 * fmax(1, fabs(b));
}

TEST(timing, overhead_is_taken_off_and_the_rest_adds_up_to_the_run) {
    _cleanup_trace_ struct bs_trace *trace = image_trace(image_small(true));
    struct bs_timing timing;
    struct bs_time load, leave;
    bs_timing_init(trace, &timing);
    /* 20 and 15 as measured, 10 of it overhead: 10 and 5, scaled by 2 to the 30 of the run. */
    CHECK(timing.scaled);
    CHECK(near(timing.sum_ns, 15));
    CHECK(near(timing.raw_sum_ns, 35));
    CHECK(near(timing.scale, 2));
    CHECK(bs_timing_event(&timing, trace, 2, &load));
    CHECK(bs_timing_event(&timing, trace, 3, &leave));
    CHECK(near(load.ns[BS_STATISTIC_MIN], 20));
    CHECK(near(leave.ns[BS_STATISTIC_MIN], 10));
    CHECK(near(leave.raw_min_ns, 15));
    CHECK(near(load.ns[BS_STATISTIC_MIN] + leave.ns[BS_STATISTIC_MIN], 30));
}

/* What is scaled down was too long, nobody knows where: no time is surer than that. */
TEST(timing, a_sum_of_too_much_is_uncertain) {
    struct image_builder *builder = image_small(true);
    image_header(builder)->uninstrumented_ns = 5;
    image_header(builder)->overhead_spread_ns = image_header(builder)->clock_step_ns = 0;
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    struct bs_timing timing;
    struct bs_time time;
    bs_timing_init(trace, &timing);
    /* 15 for two opcodes, 10 of it too much, scaled by a third. */
    CHECK(near(timing.excess_ns, 5));
    CHECK(near(timing.uncertainty_ns, 5.0 / 3));
    CHECK(bs_timing_event(&timing, trace, 2, &time));
    CHECK(near(time.uncertainty_ns, 5.0 / 3));
    CHECK(near(time.resolution_ns, 5.0 / 3));
}

TEST(timing, only_opcodes_have_times) {
    _cleanup_trace_ struct bs_trace *trace = image_trace(image_small(true));
    struct bs_timing timing;
    struct bs_time time;
    bs_timing_init(trace, &timing);
    for (size_t i = 0; i < trace->event_count; i++)
        CHECK_EQ(bs_timing_event(&timing, trace, i, &time),
                 trace->events[i].kind == BS_EVENT_OPCODE);
}

TEST(timing, a_trace_has_none) {
    _cleanup_trace_ struct bs_trace *trace = image_trace(image_small(false));
    struct bs_timing timing;
    struct bs_time time;
    bs_timing_init(trace, &timing);
    CHECK(!timing.timed);
    CHECK(!bs_timing_event(&timing, trace, 2, &time));
}

TEST(timing, never_below_zero) {
    struct image_builder *builder = image_small(true);
    image_header(builder)->overhead_ns = 18;
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    struct bs_timing timing;
    struct bs_time time;
    bs_timing_init(trace, &timing);
    CHECK(near(timing.sum_ns, 2));
    CHECK(bs_timing_event(&timing, trace, 3, &time));
    CHECK(near(time.ns[BS_STATISTIC_MIN], 0));
    CHECK(time.ns[BS_STATISTIC_MIN] < time.resolution_ns);
}

TEST(timing, nothing_but_overhead_is_not_scaled) {
    struct image_builder *builder = image_small(true);
    image_header(builder)->overhead_ns = 1000;
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    struct bs_timing timing;
    bs_timing_init(trace, &timing);
    CHECK(!timing.scaled);
    CHECK(near(timing.scale, 1));
}

TEST(timing, steps_of_one_event_add_up) {
    struct image_builder *builder = image_builder_create(0x030d00f0);
    struct bs_image_header *header = image_header(builder);
    header->flags = BS_IMAGE_TIMED;
    header->overhead_ns = 1;
    header->overhead_spread_ns = 1.349;
    uint32_t code =
        image_code(builder, &(struct image_code){.bytecode = "\x95\0S\1$\0", .bytecode_length = 6});
    image_event(builder, BS_EVENT_OPCODE, code, 1, 0);
    const struct bs_step steps[] = {{149, code, 0, 3, 4, 5, .cost = 0},
                                    {83, code, 1, 6, 8, 10, .cost = 0}};
    image_append(builder, BS_SECTION_STEPS, steps, sizeof(steps));
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    struct bs_timing timing;
    struct bs_time time;
    bs_timing_init(trace, &timing);
    CHECK(bs_timing_event(&timing, trace, 0, &time));
    CHECK(near(time.ns[BS_STATISTIC_MIN], 7));
    CHECK(near(time.ns[BS_STATISTIC_MEDIAN], 10));
    CHECK(near(time.ns[BS_STATISTIC_MEAN], 13));
    CHECK(near(time.raw_min_ns, 9));
    CHECK(near(time.cost_ns, 2));
    CHECK(near(time.uncertainty_ns, sqrt(2)));
}

/* What the engine knows of each step goes before what the header says of all. */
TEST(timing, steps_may_know_their_own_cost_and_error) {
    struct image_builder *builder = image_builder_create(0x030d00f0);
    struct bs_image_header *header = image_header(builder);
    header->flags = BS_IMAGE_TIMED;
    header->overhead_ns = 4;
    header->overhead_spread_ns = 1.349;
    header->clock_step_ns = 10;
    uint32_t code =
        image_code(builder, &(struct image_code){.bytecode = "\x95\0S\1$\0", .bytecode_length = 6});
    image_event(builder, BS_EVENT_OPCODE, code, 0, 0);
    image_event(builder, BS_EVENT_OPCODE, code, 1, 0);
    const struct bs_step steps[] = {
        {149, code, 0, 12, 13, 14, .cost = 112, .error = 8},
        {83, code, 1, 11, 12, 13, .cost = 0},
    };
    image_append(builder, BS_SECTION_STEPS, steps, sizeof(steps));
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    struct bs_timing timing;
    struct bs_time time;
    bs_timing_init(trace, &timing);
    CHECK(near(timing.sum_ns, 5 + 7));
    CHECK(near(timing.resolution_ns, 0.5));
    CHECK_EQ(timing.decimals, 1);
    CHECK(near(timing.overhead_ns, (7 + 4) / 2.0));
    CHECK(near(timing.cost_sum_ns, 7 + 4));
    bs_timing_step(&timing, &steps[0], &time);
    CHECK(near(time.cost_ns, 7));
    CHECK(near(time.ns[BS_STATISTIC_MIN], 5));
    CHECK(near(time.ns[BS_STATISTIC_MEAN], 7));
    CHECK(near(time.uncertainty_ns, 0.5));
    bs_timing_step(&timing, &steps[1], &time);
    CHECK(near(time.ns[BS_STATISTIC_MIN], 7));
    CHECK(near(time.uncertainty_ns, bs_timing_deviation(1.349, 10)));
    CHECK(near(time.resolution_ns, 10));
}

/* One call of the system is uncertain by more than all else takes: that is its own matter. */
TEST(timing, what_is_uncertain_makes_nothing_else_so) {
    struct image_builder *builder = image_builder_create(0x030d00f0);
    image_header(builder)->flags = BS_IMAGE_TIMED;
    uint32_t code = image_code(
        builder, &(struct image_code){.bytecode = "\x95\0S\1S\2$\0", .bytecode_length = 8});
    struct bs_step steps[4];
    for (uint32_t i = 0; i < 4; i++) {
        image_event(builder, BS_EVENT_OPCODE, code, i, 0);
        steps[i] = (struct bs_step){83, code, i, 12, 13, 14, .cost = 112, .error = 8};
    }
    steps[1].min_ns = 1000;
    steps[1].error = 31;
    steps[1].error_shift = 9;
    image_append(builder, BS_SECTION_STEPS, steps, sizeof(steps));
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    struct bs_timing timing;
    struct bs_time time;
    bs_timing_init(trace, &timing);
    CHECK(near(timing.uncertainty_ns, 0.5));
    CHECK_EQ(timing.decimals, 1);
    bs_timing_step(&timing, &steps[0], &time);
    CHECK(near(time.resolution_ns, 0.5));
    bs_timing_step(&timing, &steps[1], &time);
    CHECK(near(time.resolution_ns, 992));
}

/* Whether each opcode is uncertain by a tenth of a nanosecond or by a minute. */
TEST(timing, the_usual_uncertainty_may_be_of_any_size) {
    struct image_builder *builder = image_small(true);
    image_header(builder)->uninstrumented_ns = 0;
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    struct bs_step *steps = (struct bs_step *)trace->steps;
    for (unsigned shift = 0; shift <= BS_ERROR_SHIFT_MAX; shift++)
        for (unsigned error = 1; error <= BS_ERROR_MAX; error++) {
            for (size_t i = 0; i < trace->step_count; i++) {
                steps[i].error = error & BS_ERROR_MAX;
                steps[i].error_shift = shift & BS_ERROR_SHIFT_MAX;
            }
            struct bs_timing timing;
            bs_timing_init(trace, &timing);
            const double ns = error * BS_STEP_UNIT_NS * (double)(1ull << shift);
            CHECK(near(timing.uncertainty_ns, ns));
        }
}

/* What takes little cannot be too long by much. */
TEST(timing, no_time_is_too_long_by_more_than_it_takes) {
    struct image_builder *builder = image_builder_create(0x030d00f0);
    image_header(builder)->flags = BS_IMAGE_TIMED;
    image_header(builder)->uninstrumented_ns = 1000;
    uint32_t code =
        image_code(builder, &(struct image_code){.bytecode = "\x95\0S\1$\0", .bytecode_length = 6});
    const struct bs_step steps[] = {{83, code, 0, 9, 9, 9, .cost = 16, .error = 16},
                                    {83, code, 1, 2000, 2000, 2000, .cost = 0, .error = 16}};
    image_event(builder, BS_EVENT_OPCODE, code, 0, 0);
    image_event(builder, BS_EVENT_OPCODE, code, 1, 0);
    image_append(builder, BS_SECTION_STEPS, steps, sizeof(steps));
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    struct bs_timing timing;
    struct bs_time little, much;
    bs_timing_init(trace, &timing);
    CHECK(near(timing.excess_ns, 504));
    bs_timing_step(&timing, &steps[0], &little);
    bs_timing_step(&timing, &steps[1], &much);
    CHECK(near(little.uncertainty_ns, timing.scale * hypot(1, 8)));
    CHECK(near(much.uncertainty_ns, timing.scale * hypot(1, 504)));
}

/* Nor is that of the longest usual then, where no step knows its error. */
TEST(timing, what_takes_most_is_not_what_is_usual) {
    struct image_builder *builder = image_builder_create(0x030d00f0);
    image_header(builder)->flags = BS_IMAGE_TIMED;
    image_header(builder)->uninstrumented_ns = 1000;
    image_header(builder)->overhead_spread_ns = 1.349;
    uint32_t code = image_code(
        builder, &(struct image_code){.bytecode = "\x95\0S\1S\2$\0", .bytecode_length = 8});
    for (uint32_t i = 0; i < 3; i++) {
        image_event(builder, BS_EVENT_OPCODE, code, i, 0);
        image_step(builder, code, i, 83, i == 1 ? 2000 : 8);
    }
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    struct bs_timing timing;
    struct bs_time little;
    bs_timing_init(trace, &timing);
    bs_timing_step(&timing, &trace->steps[0], &little);
    CHECK(near(little.uncertainty_ns, timing.scale * hypot(1, 8)));
    CHECK(near(timing.uncertainty_ns, little.uncertainty_ns));
}

/* Two instructions, one of which ran 10 times and the other 30, whatever events were kept. */
TEST(timing, counts_weigh_the_sum) {
    struct image_builder *builder = image_small(true);
    struct bs_image_header *header = image_header(builder);
    header->flags |= BS_IMAGE_PER_INSTRUCTION | BS_IMAGE_EVENTS_LOST;
    header->uninstrumented_ns = 500;
    image_append(builder, BS_SECTION_COUNTS, (const double[]){10, 30}, 16);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    struct bs_timing timing;
    bs_timing_init(trace, &timing);
    CHECK(near(timing.sum_ns, 10 * 10 + 30 * 5));
    CHECK(near(timing.executions, 40));
    CHECK(near(timing.scale, 2));
}

/* Each time is its cost, but for the rounding of a float: nothing to make a function's time of. */
TEST(timing, what_rounding_leaves_is_not_scaled) {
    struct image_builder *builder = image_small(true);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    struct bs_image_header *header = trace->image;
    struct bs_step *steps = (struct bs_step *)trace->steps;
    for (size_t i = 0; i < trace->step_count; i++) {
        steps[i].min_ns = (float)33.3;
        steps[i].cost = 0;
    }
    header->overhead_ns = steps[0].min_ns * (1 - 1e-7);
    header->uninstrumented_ns = 40;
    struct bs_timing timing;
    bs_timing_init(trace, &timing);
    CHECK(timing.sum_ns > 0);
    CHECK(!timing.scaled);
    CHECK(near(timing.scale, 1));
}

TEST(timing, lost_events_without_counts_are_not_scaled) {
    struct image_builder *builder = image_small(true);
    image_header(builder)->flags |= BS_IMAGE_EVENTS_LOST;
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    struct bs_timing timing;
    bs_timing_init(trace, &timing);
    CHECK(!timing.scaled);
}

TEST(timing, per_instruction_times_count_for_each_event) {
    struct image_builder *builder = image_small(true);
    image_header(builder)->flags |= BS_IMAGE_PER_INSTRUCTION;
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    struct bs_timing timing;
    bs_timing_init(trace, &timing);
    CHECK(near(timing.sum_ns, 15));
    CHECK(near(timing.executions, 2));
}

TEST(timing, decimals_are_what_the_clock_shows) {
    static const struct {
        double step_ns;
        int decimals;
    } cases[] = {{0.43, 1},  {0.1, 1},  {1, 0},   {1.0 / 3, 1}, {0.05, 2},
                 {0.001, 2}, {9.9, 0},  {10, -1}, {41.6, -1},   {100, -2},
                 {0, 1},     {1e9, -3}, {0.5, 1}, {0.87, 1},    {2, 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        CHECK_EQ(bs_timing_decimals(cases[i].step_ns), cases[i].decimals);
}

TEST(timing, deviation_of_known_distributions) {
    /* Normal with deviation 1: quartiles at 0.6745. Two uniform errors of a step: step/sqrt(6). */
    CHECK(fabs(bs_timing_deviation(2 * 0.67449, 0) - 1) < 1e-3);
    CHECK(near(bs_timing_deviation(0, 6), sqrt(6)));
    CHECK(near(bs_timing_deviation(3 * 1.349, 4 * sqrt(6)), 5));
    CHECK(near(bs_timing_deviation(0, 0), 0));
}
