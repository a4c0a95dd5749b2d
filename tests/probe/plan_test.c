/* Which dispatches have stamps: of the repeats by a pattern, of the refinement's runs by plans. */
#include "agent/probe/pattern.h"
#include "agent/probe/plan.h"
#include "check.h"
#include "probe/fake_machine.h"

#include <string.h>

/* Also what takes several dispatches has a time in some repeats. */
TEST(pattern, any_two_dispatches_have_stamps_in_some_phase) {
    size_t stamps = 0;
    for (size_t apart = 1; apart < 3 * BS_PATTERN_PHASES; apart++) {
        size_t both = 0;
        for (size_t phase = 0; phase < BS_PATTERN_PHASES; phase++)
            both += bs_pattern_action(phase) == BS_ACTION_STAMP &&
                    bs_pattern_action(phase + apart) == BS_ACTION_STAMP;
        CHECK(both > 0);
    }
    for (size_t i = 0; i < BS_PATTERN_PHASES; i++)
        stamps += bs_pattern_action(i) == BS_ACTION_STAMP;
    CHECK(stamps < BS_PATTERN_PHASES / 2.0);
}

TEST(plan, stamps_are_spaced_and_the_same_for_the_same_instruction) {
    _cleanup_observed_ struct observed *observed = observed_new(DISPATCHES);
    uint64_t random = 99;
    size_t stamps = 0, plans = 200;
    bool seen[BODY] = {};
    if (!observed)
        return;
    const struct bs_reference *reference = &observed->reference;
    observed_repeat(observed, 1);
    for (size_t p = 0; p < plans; p++) {
        struct bs_plan plan;
        int stamped[BODY];
        memset(stamped, -1, sizeof(stamped));
        if (!CHECK(bs_plan_make(reference, bs_plan_is_tight(reference), &random, &plan)))
            break;
        stamps += plan.stamp_count;
        for (size_t v = 0; v < plan.visit_count; v++) {
            uint32_t at = plan.visits[v] % BODY;
            CHECK(plan.patched[observed->machine.opcodes[at]]);
            CHECK(stamped[at] < 0 || stamped[at] == plan.stamped[v]);
            stamped[at] = plan.stamped[v];
            seen[at] = seen[at] || plan.stamped[v];
        }
        bs_plan_deinit(&plan);
    }
    double mean = (double)stamps / (double)plans;
    CHECK(mean > 0.6 * DISPATCHES / BS_PLAN_SPACING && mean < 1.6 * DISPATCHES / BS_PLAN_SPACING);
    for (int i = 0; i < BODY; i++)
        CHECK(seen[i]);
}

/* A function that only returns something: one stamp would part nothing. */
TEST(plan, of_two_dispatches_stamps_both) {
    struct bs_dispatch dispatches[] = {{.value = 2, .opcode = 1}, {.value = 4, .opcode = 2}};
    const struct bs_reference reference = {.dispatches = dispatches, .count = 2};
    uint64_t random = 99;
    struct bs_plan plan;
    if (CHECK(bs_plan_make(&reference, false, &random, &plan))) {
        CHECK_EQ(plan.stamp_count, 2);
        bs_plan_deinit(&plan);
    }
}

/* One stamp a turn would part nothing of a turn. */
TEST(plan, a_tight_loop_has_plans_that_part_a_turn) {
    enum {
        LENGTH = 6,
        TIMES = 100,
        PLANS = 64
    };
    struct bs_dispatch dispatches[LENGTH * TIMES];
    struct bs_reference reference = {.dispatches = dispatches, .count = LENGTH * TIMES};
    uint64_t random = 99;
    int parting = 0;
    for (size_t i = 0; i < LENGTH * TIMES; i++)
        dispatches[i] = (struct bs_dispatch){.value = 2 * (i % LENGTH), .opcode = i % LENGTH};
    for (int p = 0; p < PLANS; p++) {
        struct bs_plan plan;
        bool stamped[LENGTH] = {};
        int positions = 0;
        if (!CHECK(bs_plan_make(&reference, bs_plan_is_tight(&reference), &random, &plan)))
            return;
        for (size_t v = 0; v < plan.visit_count; v++)
            stamped[plan.visits[v] % LENGTH] |= plan.stamped[v];
        for (int i = 0; i < LENGTH; i++)
            positions += stamped[i];
        CHECK(positions >= 1 && positions < LENGTH);
        parting += positions > 1;
        bs_plan_deinit(&plan);
    }
    CHECK(parting > PLANS / 4 && parting < 3 * PLANS / 4);
}
