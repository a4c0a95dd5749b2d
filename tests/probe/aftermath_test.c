/* The aftermath, in a function made of arithmetic. */
#include "agent/probe/aftermath.h"
#include "agent/random.h"
#include "check.h"
#include "core/cleanup.h"

#include <math.h>
#include <stdlib.h>

#define DISPATCHES 1000
#define OPCODES    20

/* Opcodes in any order. What each takes is its own, and then it waits for those before it. */
struct function {
    struct bs_dispatch dispatches[DISPATCHES];
    double own_ticks[DISPATCHES], ticks[DISPATCHES];
    uint64_t random;
};

static double uniform(struct function *function) {
    return bs_random_part(&function->random);
}

static void make_function(struct function *function, double part, double noise_ticks) {
    double usual_ticks[OPCODES];
    function->random = 42;
    for (int o = 0; o < OPCODES; o++)
        usual_ticks[o] = o ? 5 + 40 * uniform(function) * uniform(function) : 400;
    for (int d = 0; d < DISPATCHES; d++) {
        int opcode = (int)(bs_random(&function->random) % OPCODES);
        function->dispatches[d].opcode = (uint8_t)opcode;
        function->own_ticks[d] = usual_ticks[opcode] + noise_ticks * (uniform(function) - 0.5);
        function->ticks[d] = function->own_ticks[d];
        for (int before = 1; before <= BS_AFTERMATH_REACH && before <= d; before++)
            function->ticks[d] += part * function->own_ticks[d - before];
    }
}

static double sum_of(const double *ticks) {
    double sum = 0;
    for (int d = 0; d < DISPATCHES; d++)
        sum += ticks[d];
    return sum;
}

static struct bs_aftermath find(const struct function *function, size_t count) {
    struct bs_aftermath found = {};
    CHECK(bs_aftermath_find(function->dispatches, function->ticks, count, &found));
    return found;
}

TEST(aftermath, is_charged_to_what_caused_it) {
    _cleanup_free_ struct function *function = calloc(1, sizeof(*function));
    const double part = 0.006;
    double charged[DISPATCHES];
    make_function(function, part, 4);
    struct bs_aftermath found = find(function, DISPATCHES);
    /* A little of it is in the times of those that it is a part of. */
    CHECK(fabs(found.part - part) < 0.1 * part);
    CHECK(found.error_part > 0 && found.error_part < 0.2 * part);
    bs_aftermath_charge(&found, function->dispatches, function->ticks, DISPATCHES, charged);
    CHECK(fabs(sum_of(charged)) < 1e-6 * sum_of(function->ticks));
    for (int d = BS_AFTERMATH_REACH; d < DISPATCHES - BS_AFTERMATH_REACH; d++) {
        double due = function->own_ticks[d] * (1 + part * BS_AFTERMATH_REACH);
        CHECK(fabs(function->ticks[d] + charged[d] - due) < 1 + 0.02 * due);
    }
}

TEST(aftermath, is_not_seen_where_there_is_none) {
    _cleanup_free_ struct function *function = calloc(1, sizeof(*function));
    make_function(function, 0, 4);
    struct bs_aftermath found = find(function, DISPATCHES);
    CHECK(found.part <= 3 * found.error_part);
    CHECK(found.part * BS_AFTERMATH_REACH < 0.01);
}

/* What one execution takes more than the others is its own, however much time passed before it. */
TEST(aftermath, is_not_what_single_executions_take) {
    _cleanup_free_ struct function *function = calloc(1, sizeof(*function));
    make_function(function, 0, 4);
    for (int d = 1; d < DISPATCHES; d++) {
        if (!function->dispatches[d - 1].opcode && d % 4 == 0)
            function->ticks[d] += 1000;
    }
    CHECK(find(function, DISPATCHES).part * BS_AFTERMATH_REACH < 0.02);
}

TEST(aftermath, is_not_told_from_few_executions) {
    _cleanup_free_ struct function *function = calloc(1, sizeof(*function));
    double charged[DISPATCHES];
    make_function(function, 0.006, 4);
    /* Those that follow nothing, and opcodes of which there are not enough. */
    for (size_t count = 0; count < BS_AFTERMATH_REACH + 4; count++) {
        struct bs_aftermath found = find(function, count);
        CHECK(found.part == 0);
        CHECK(found.error_part > 0 && isfinite(found.error_part));
        bs_aftermath_charge(&found, function->dispatches, function->ticks, count, charged);
        for (size_t d = 0; d < count; d++)
            CHECK(charged[d] == 0);
    }
}

/* Times that the fit found to be nothing or less, behind one that took long. */
TEST(aftermath, leaves_nobody_with_less_than_nothing) {
    const struct bs_aftermath aftermath = {.part = 0.01};
    const struct bs_dispatch dispatches[] = {{.opcode = 1}, {.opcode = 2}, {.opcode = 2},
                                             {.opcode = 3}, {.opcode = 4}, {.opcode = 3}};
    double ticks[] = {1000, 0, 3, 20, -2, 5}, charged[6], sum = 0;
    bs_aftermath_charge(&aftermath, dispatches, ticks, 6, charged);
    for (int d = 0; d < 6; d++) {
        CHECK(ticks[d] + charged[d] >= 0);
        sum += charged[d];
    }
    CHECK(charged[0] > 0);
    CHECK(fabs(sum) < 1e-9);
    const double nothing[6] = {};
    bs_aftermath_charge(&aftermath, dispatches, nothing, 6, charged);
    for (int d = 0; d < 6; d++)
        CHECK(charged[d] == 0);
}

/* However long it takes: it has waited for the others, and nothing waits for it. */
TEST(aftermath, is_not_that_of_the_last) {
    const struct bs_aftermath aftermath = {.part = 0.01};
    const struct bs_dispatch dispatches[] = {{.opcode = 1}, {.opcode = 1}, {.opcode = 2}};
    const double ticks[] = {30, 20, 1000};
    double charged[3];
    bs_aftermath_charge(&aftermath, dispatches, ticks, 3, charged);
    CHECK(fabs(charged[2] + 0.5) < 1e-9);
}

/* Noise makes some of a short opcode less than nothing; their sum is still what they take. */
TEST(aftermath, takes_what_is_missing_off_others_of_the_opcode) {
    _cleanup_free_ struct function *function = calloc(1, sizeof(*function));
    const struct bs_aftermath none = {};
    double charged[DISPATCHES], sums[OPCODES] = {}, after[OPCODES] = {};
    make_function(function, 0, 40);
    for (int d = 0; d < DISPATCHES; d++)
        sums[function->dispatches[d].opcode] += function->ticks[d];
    bs_aftermath_charge(&none, function->dispatches, function->ticks, DISPATCHES, charged);
    bool cut = false;
    for (int d = 0; d < DISPATCHES; d++) {
        cut = cut || function->ticks[d] < 0;
        CHECK(function->ticks[d] + charged[d] >= 0);
        after[function->dispatches[d].opcode] += function->ticks[d] + charged[d];
    }
    CHECK(cut);
    for (int o = 0; o < OPCODES; o++)
        CHECK(fabs(after[o] - sums[o]) < 1e-6 * sums[o]);
}

/* A call that sleeps for a second leaves no more to others than they took. */
TEST(aftermath, is_not_more_uncertain_than_what_may_have_waited) {
    const struct bs_aftermath aftermath = {.part = 0.001, .error_part = 0.01};
    double ticks[BS_AFTERMATH_REACH + 4], errors[BS_AFTERMATH_REACH + 4];
    const size_t count = BS_AFTERMATH_REACH + 4;
    for (size_t i = 0; i < count; i++)
        ticks[i] = i == 1 ? 1e9 : i == 2 ? -5 : i == 3 ? 2e9 : 10;
    bs_aftermath_errors(&aftermath, ticks, count, errors);
    CHECK(fabs(errors[0] - 10 * 0.01 * (BS_AFTERMATH_REACH - 1)) < 1e-9);
    CHECK(fabs(errors[1] - (1e9 * 0.01 + 10 * (BS_AFTERMATH_REACH - 2))) < 1e-6);
    CHECK(errors[2] == 0);
    CHECK(fabs(errors[3] - 10 * BS_AFTERMATH_REACH) < 1e-6);
    CHECK(fabs(errors[count - 3] - 10 * 0.01 * 2) < 1e-9);
    CHECK(errors[count - 1] == 0);
}

TEST(aftermath, is_bounded) {
    _cleanup_free_ struct function *function = calloc(1, sizeof(*function));
    make_function(function, 0.2, 4);
    CHECK(find(function, DISPATCHES).part * BS_AFTERMATH_REACH <= 0.3 + 1e-9);
}
