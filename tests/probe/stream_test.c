/* From records to samples. */
#include "agent/probe/stream.h"
#include "check.h"

#define CODE 0x5000ull

static struct bs_record at(uint64_t offset, uint8_t opcode, uint64_t stamp) {
    return (struct bs_record){
        .value = CODE + offset, .opcode = opcode, .stamp = stamp, .action = BS_ACTION_STAMP};
}

/* Without a stamp: that of an earlier run stands there. */
static struct bs_record noted(uint64_t offset, uint8_t opcode) {
    return (struct bs_record){.value = CODE + offset, .opcode = opcode, .stamp = 77777};
}

/* The steps of one run of @p records that ends at @p end. */
static struct steps *run(struct bs_stream *stream, const struct bs_record *records, size_t count,
                         uint64_t end) {
    struct steps *steps = bs_steps_create(1000, 1);
    bs_steps_begin(steps);
    bs_stream_begin(stream, steps);
    bs_stream_take(stream, records, count / 2);
    bs_stream_take(stream, records + count / 2, count - count / 2);
    bs_stream_end(stream, end);
    bs_steps_end(steps);
    return steps;
}

static void check_step(const struct steps *steps, size_t index, uint64_t where, int opcode,
                       uint64_t ticks) {
    struct step step;
    bs_steps_step(steps, index, &step);
    CHECK_EQ(step.where, where);
    CHECK_EQ(step.opcode, opcode);
    CHECK_EQ((int64_t)step.mean_ticks, ticks);
}

TEST(stream, an_instruction_lasts_until_the_next) {
    const struct bs_record records[] = {at(2, 10, 100), at(4, 20, 130), at(6, 30, 135)};
    struct bs_stream stream = {.offset_bytes = -2};
    struct steps *steps = run(&stream, records, 3, 200);
    CHECK_EQ(bs_steps_ordered(steps), 3);
    check_step(steps, 0, CODE, 10, 30);
    check_step(steps, 1, CODE + 2, 20, 5);
    check_step(steps, 2, CODE + 4, 30, 65);
    CHECK_EQ(stream.dispatches, 3);
    bs_steps_destroy(steps);
}

TEST(stream, a_time_is_between_two_stamps) {
    const struct bs_record records[] = {at(0, 10, 100), at(2, 20, 130), noted(4, 30),
                                        noted(6, 40),   at(8, 50, 190), at(10, 60, 197)};
    struct bs_stream stream = {};
    struct steps *steps = run(&stream, records, 6, 200);
    CHECK_EQ(bs_steps_ordered(steps), 6);
    check_step(steps, 0, CODE, 10, 30);
    for (size_t i = 1; i < 4; i++) {
        struct step step;
        check_step(steps, i, CODE + 2 * i, 10 * (int)i + 10, 0);
        bs_steps_step(steps, i, &step);
        CHECK_EQ(step.executions, 1);
        CHECK_EQ(step.timed, 0);
    }
    check_step(steps, 4, CODE + 8, 50, 7);
    check_step(steps, 5, CODE + 10, 60, 3);
    CHECK_EQ(stream.timed, 3);
    CHECK_EQ((int64_t)stream.timed_ticks, 40);
    CHECK_EQ(stream.dispatches, 6);
    bs_steps_destroy(steps);
}

TEST(stream, the_clock_may_turn_over) {
    const uint64_t last = (1ull << 48) - 10;
    const struct bs_record records[] = {at(0, 10, last), at(2, 20, 5)};
    struct bs_stream stream = {};
    struct steps *steps = run(&stream, records, 2, 1ull << 48 | 25);
    check_step(steps, 0, CODE, 10, 15);
    check_step(steps, 1, CODE + 2, 20, 20);
    bs_steps_destroy(steps);
}

static const bool again[BS_TABLE_ENTRIES] = {[20] = true, [21] = true};

/* An instruction that specialised itself is dispatched twice and executed once. */
TEST(stream, dispatching_again_is_the_same_execution) {
    const struct bs_record records[] = {at(0, 10, 100), at(2, 20, 110), at(2, 21, 150),
                                        at(4, 30, 160)};
    struct bs_stream stream = {.again = again};
    struct steps *steps = run(&stream, records, 4, 170);
    CHECK_EQ(bs_steps_ordered(steps), 3);
    check_step(steps, 1, CODE + 2, 21, 50);
    bs_steps_destroy(steps);
    stream.again = NULL;
    steps = run(&stream, records, 4, 170);
    CHECK_EQ(bs_steps_ordered(steps), 4);
    bs_steps_destroy(steps);
}

TEST(stream, returns_that_follow_each_other_are_executions) {
    const struct bs_record records[] = {at(0, 10, 100), at(2, 99, 110), at(2, 99, 150)};
    struct bs_stream stream = {.again = again};
    struct steps *steps = run(&stream, records, 3, 170);
    CHECK_EQ(bs_steps_ordered(steps), 3);
    check_step(steps, 1, CODE + 2, 99, 40);
    check_step(steps, 2, CODE + 2, 99, 20);
    bs_steps_destroy(steps);
}

TEST(stream, pauses_are_not_counted) {
    const struct bs_record records[] = {at(0, 10, 100), at(2, 20, 900)};
    struct bs_stream stream = {};
    struct steps *steps = bs_steps_create(10, 1);
    bs_steps_begin(steps);
    bs_stream_begin(&stream, steps);
    bs_stream_take(&stream, records, 1);
    stream.paused_ticks += 780;
    bs_stream_take(&stream, records + 1, 1);
    bs_stream_end(&stream, 910);
    bs_steps_end(steps);
    check_step(steps, 0, CODE, 10, 20);
    check_step(steps, 1, CODE + 2, 20, 10);
    bs_steps_destroy(steps);
}
