/* Folding of samples into steps, without an interpreter: known samples, known answers. */
#include "check.h"

#include "agent/steps.c"
#include "agent/tally.c"

static void take(struct steps *steps, const uint64_t (*samples)[2], size_t count) {
    bs_steps_begin(steps);
    for (size_t i = 0; i < count; i++) {
        const struct sample sample = {.where = samples[i][0], .opcode = 9, .ticks = samples[i][1]};
        bs_steps_take(steps, &sample, 1);
    }
    bs_steps_end(steps);
}
#define TAKE(steps, ...)                                                                           \
    do {                                                                                           \
        static const uint64_t samples[][2] = {__VA_ARGS__};                                        \
        take((steps), samples, sizeof(samples) / sizeof(samples[0]));                              \
    } while (0)

static struct step step_at(const struct steps *steps, size_t index) {
    struct step step = {0};
    if (CHECK(index < bs_steps_ordered(steps)))
        bs_steps_step(steps, index, &step);
    return step;
}

static struct step instruction_of(const struct steps *steps, uint64_t where) {
    struct step step = {0};
    for (size_t i = 0; i < bs_steps_instructions(steps) && step.where != where; i++)
        bs_steps_instruction(steps, i, &step);
    CHECK_EQ(step.where, where);
    return step;
}

TEST(steps, are_minimum_median_and_mean_over_repeats) {
    struct steps *steps = bs_steps_create(10, 3);
    TAKE(steps, {1, 10}, {2, 20}, {1, 30});
    TAKE(steps, {1, 13}, {2, 10}, {1, 30});
    TAKE(steps, {1, 13}, {2, 60}, {1, 60});
    CHECK_EQ(bs_steps_ordered(steps), 3);
    CHECK_EQ(bs_steps_instructions(steps), 0);
    CHECK(!bs_steps_diverged(steps));
    struct step second = step_at(steps, 1);
    CHECK_EQ(second.where, 2);
    CHECK_EQ(second.opcode, 9);
    CHECK_EQ(second.executions, 3);
    CHECK_EQ((int64_t)second.min_ticks, 10);
    CHECK_EQ((int64_t)second.median_ticks, 20);
    CHECK_EQ((int64_t)second.mean_ticks, 30);
    CHECK_EQ((int64_t)step_at(steps, 2).mean_ticks, 40);
    bs_steps_destroy(steps);
}

/* The engine takes the time of some only, of others in other repeats. */
TEST(steps, without_a_time_count_and_tell_their_form) {
    struct steps *steps = bs_steps_create(10, 4);
    TAKE(steps, {1, 10}, {2, SAMPLE_UNTIMED}, {3, SAMPLE_UNTIMED});
    TAKE(steps, {1, SAMPLE_UNTIMED}, {2, 20}, {3, SAMPLE_UNTIMED});
    TAKE(steps, {1, SAMPLE_UNTIMED}, {2, SAMPLE_UNTIMED}, {3, SAMPLE_UNTIMED});
    TAKE(steps, {1, 30}, {2, 60}, {3, SAMPLE_UNTIMED});
    CHECK(!bs_steps_diverged(steps));
    for (size_t i = 0; i < 2; i++) {
        struct step step = step_at(steps, i);
        CHECK_EQ(step.executions, 4);
        CHECK_EQ(step.timed, 2);
        CHECK_EQ((int64_t)step.min_ticks, i ? 20 : 10);
        CHECK_EQ((int64_t)step.median_ticks, i ? 40 : 20);
        CHECK_EQ((int64_t)step.mean_ticks, i ? 40 : 20);
    }
    struct step third = step_at(steps, 2);
    CHECK_EQ(third.executions, 4);
    CHECK_EQ(third.timed, 0);
    CHECK_EQ((int64_t)third.min_ticks, 0);
    bs_steps_split(steps, 0);
    for (uint64_t where = 1; where <= 3; where++) {
        struct step step = instruction_of(steps, where);
        CHECK_EQ(step.executions, 4);
        CHECK_EQ(step.timed, where < 3 ? 2 : 0);
        CHECK_EQ((int64_t)step.min_ticks, where == 1 ? 10 : where == 2 ? 20 : 0);
        CHECK_EQ((int64_t)step.median_ticks, where == 1 ? 20 : where == 2 ? 40 : 0);
        CHECK_EQ((int64_t)step.mean_ticks, where == 1 ? 20 : where == 2 ? 40 : 0);
    }
    bs_steps_destroy(steps);
}

TEST(steps, without_a_time_are_folded_per_instruction) {
    struct steps *steps = bs_steps_create(1, 1);
    TAKE(steps, {1, 10}, {2, SAMPLE_UNTIMED}, {2, 20}, {2, 40}, {1, SAMPLE_UNTIMED},
         {3, SAMPLE_UNTIMED});
    CHECK_EQ(instruction_of(steps, 1).executions, 2);
    CHECK_EQ((int64_t)instruction_of(steps, 1).mean_ticks, 10);
    CHECK_EQ(instruction_of(steps, 2).executions, 3);
    CHECK_EQ((int64_t)instruction_of(steps, 2).min_ticks, 20);
    CHECK_EQ((int64_t)instruction_of(steps, 2).mean_ticks, 30);
    CHECK_EQ(instruction_of(steps, 3).timed, 0);
    bs_steps_destroy(steps);
}

TEST(steps, part_where_a_repeat_goes_elsewhere) {
    struct steps *steps = bs_steps_create(10, 3);
    TAKE(steps, {1, 10}, {2, 20}, {3, 30});
    TAKE(steps, {1, 8}, {4, 40}, {3, 50});
    TAKE(steps, {1, 9}, {2, 10}, {3, 10});
    CHECK(bs_steps_diverged(steps));
    CHECK_EQ(bs_steps_ordered(steps), 1);
    CHECK_EQ(step_at(steps, 0).executions, 3);
    CHECK_EQ((int64_t)step_at(steps, 0).min_ticks, 8);
    CHECK_EQ(bs_steps_instructions(steps), 3);
    struct step third = instruction_of(steps, 3);
    CHECK_EQ(third.executions, 3);
    CHECK_EQ((int64_t)third.min_ticks, 10);
    CHECK_EQ((int64_t)third.median_ticks, 30);
    CHECK_EQ((int64_t)third.mean_ticks, 30);
    CHECK_EQ(instruction_of(steps, 4).executions, 1);
    CHECK_EQ(instruction_of(steps, 2).executions, 2);
    bs_steps_destroy(steps);
}

TEST(steps, part_where_a_repeat_ends_early) {
    struct steps *steps = bs_steps_create(10, 2);
    TAKE(steps, {1, 10}, {2, 20});
    TAKE(steps, {1, 10});
    CHECK(bs_steps_diverged(steps));
    CHECK_EQ(bs_steps_ordered(steps), 1);
    CHECK_EQ(instruction_of(steps, 2).executions, 1);
    bs_steps_destroy(steps);
}

TEST(steps, part_where_a_repeat_goes_on) {
    struct steps *steps = bs_steps_create(10, 2);
    TAKE(steps, {1, 10});
    TAKE(steps, {1, 10}, {2, 20});
    CHECK(bs_steps_diverged(steps));
    CHECK_EQ(bs_steps_ordered(steps), 1);
    CHECK_EQ(bs_steps_instructions(steps), 1);
    bs_steps_destroy(steps);
}

TEST(steps, are_per_instruction_beyond_their_room) {
    struct steps *steps = bs_steps_create(2, 2);
    TAKE(steps, {1, 10}, {2, 20}, {1, 30});
    TAKE(steps, {1, 20}, {2, 20}, {1, 30});
    CHECK(!bs_steps_diverged(steps));
    CHECK_EQ(bs_steps_ordered(steps), 0);
    CHECK_EQ(bs_steps_instructions(steps), 2);
    CHECK_EQ(instruction_of(steps, 1).executions, 4);
    CHECK_EQ((int64_t)instruction_of(steps, 1).median_ticks, 25);
    bs_steps_destroy(steps);
}

TEST(steps, can_be_split_afterwards) {
    struct steps *steps = bs_steps_create(10, 2);
    TAKE(steps, {1, 10}, {2, 20}, {1, 30});
    TAKE(steps, {1, 20}, {2, 40}, {1, 40});
    bs_steps_split(steps, 1);
    CHECK_EQ(bs_steps_ordered(steps), 1);
    CHECK_EQ(instruction_of(steps, 1).executions, 2);
    CHECK_EQ((int64_t)instruction_of(steps, 1).mean_ticks, 35);
    CHECK_EQ((int64_t)instruction_of(steps, 2).median_ticks, 30);
    bs_steps_destroy(steps);
}

TEST(steps, keep_a_fair_sample_of_many) {
    struct steps *steps = bs_steps_create(1, 1);
    bs_steps_begin(steps);
    for (uint64_t i = 0; i < 100000; i++)
        bs_steps_take(steps, &(struct sample){.where = 7, .ticks = i}, 1);
    bs_steps_end(steps);
    struct step step = instruction_of(steps, 7);
    CHECK_EQ(step.executions, 100000);
    CHECK(step.median_ticks > 25000 && step.median_ticks < 75000);
    bs_steps_destroy(steps);
}

TEST(steps, tell_many_instructions_apart) {
    struct steps *steps = bs_steps_create(1, 1);
    bs_steps_begin(steps);
    for (uint64_t i = 0; i < 30000; i++)
        bs_steps_take(steps, &(struct sample){.where = i % 10000 * 64, .ticks = 1}, 1);
    bs_steps_end(steps);
    CHECK_EQ(bs_steps_instructions(steps), 10000);
    CHECK_EQ(instruction_of(steps, 64).executions, 3);
    bs_steps_destroy(steps);
}

/* Instruction 7 under these opcodes, one after the other, in repeats or all in one. */
static struct steps *reform(size_t capacity, const uint8_t *opcodes, size_t count, bool repeats) {
    struct steps *steps = bs_steps_create(capacity, 3);
    for (size_t i = 0; i < count; i++) {
        const struct sample sample = {.where = 7, .opcode = opcodes[i], .ticks = 10};
        if (repeats || !i)
            bs_steps_begin(steps);
        bs_steps_take(steps, &sample, 1);
        if (repeats || i == count - 1)
            bs_steps_end(steps);
    }
    return steps;
}

TEST(steps, remember_other_forms) {
    static const uint8_t changed[] = {9, 12, 12}, same[] = {9, 9, 9};
    struct steps *steps = reform(10, changed, 3, true);
    CHECK_EQ(step_at(steps, 0).opcode, 12);
    CHECK_EQ(step_at(steps, 0).other_opcode, 9);
    bs_steps_split(steps, 0);
    CHECK_EQ(instruction_of(steps, 7).opcode, 12);
    CHECK_EQ(instruction_of(steps, 7).other_opcode, 9);
    bs_steps_destroy(steps);
    steps = reform(1, changed, 3, false);
    CHECK_EQ(instruction_of(steps, 7).opcode, 12);
    CHECK_EQ(instruction_of(steps, 7).other_opcode, 9);
    bs_steps_destroy(steps);
    steps = reform(1, same, 3, false);
    CHECK_EQ(instruction_of(steps, 7).other_opcode, 0);
    bs_steps_destroy(steps);
}
