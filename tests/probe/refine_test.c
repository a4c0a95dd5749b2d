/* The refinement, and what it makes of the steps of a run without a loop. */
#include "check.h"
#include "probe/fake_machine.h"

#include <math.h>

#define FEW 6 /* dispatches of a function without a loop */

static const struct bs_repeated fast_repeats = {.fastest_part = 1};

TEST(refine, finds_times_that_full_stamps_hide) {
    _cleanup_observed_ struct observed *observed = observed_new(DISPATCHES);
    if (!observed)
        return;
    observed_repeat(observed, 30);
    if (!observed_refine(observed, REFINE_RUNS))
        return;
    const struct bs_refine *refine = &observed->refine;
    const double own_sum = machine_sum(&observed->machine);
    const double *own_ticks = observed->machine.ticks, last_ticks = own_ticks[BODY - 1];
    double full[DISPATCHES], full_sum = last_ticks, sum = last_ticks;
    CHECK(bs_refine_settled(refine));
    CHECK(fabs(bs_refine_bare(refine) - own_sum) < 0.002 * own_sum);
    CHECK(bs_reference_ticks(&observed->reference, refine->limit, bs_refine_bare(refine), full));
    for (size_t d = 0; d + 1 < DISPATCHES; d++) {
        const double ticks = full[d] - bs_refine_cost(refine, d).ticks;
        if (d >= BODY && d < 2 * BODY)
            CHECK(fabs(ticks - own_ticks[d % BODY]) < 3);
        sum += ticks;
        full_sum += full[d];
    }
    CHECK(fabs(sum - own_sum) < 0.005 * own_sum);
    CHECK(bs_refine_patterned(refine) > 1.1 * bs_refine_bare(refine));
    CHECK(bs_refine_patterned(refine) < 0.9 * full_sum);
}

/* Most of a short run may be no dispatch at all; none of that is shared out among them. */
TEST(refine, of_few_dispatches_knows_what_is_before_and_after_them) {
    _cleanup_observed_ struct observed *observed = observed_new(FEW);
    if (!observed)
        return;
    const struct machine *machine = &observed->machine;
    const double own_sum = machine_sum(machine);
    double sum = 0;
    observed_repeat(observed, 30);
    if (!observed_refine(observed, REFINE_RUNS))
        return;
    CHECK(fabs(bs_refine_bare(&observed->refine) - own_sum) < 2);
    CHECK(fabs(bs_refine_entry(&observed->refine) - machine->before_ticks) < 10);
    observed_correct(observed, 0, &fast_repeats);
    for (size_t d = 0; d < FEW; d++) {
        const double own = machine->ticks[d] + (d ? 0 : machine->before_ticks) +
                           (d < FEW - 1 ? 0 : machine->after_ticks);
        const struct step step = observed_step(observed, d);
        CHECK(fabs(step.min_ticks - step.cost_ticks - own) < 8);
        sum += step.min_ticks - step.cost_ticks;
    }
    CHECK(fabs(sum - own_sum) < 2);
}

/* What the system takes varies by more than all else takes together, and is none of theirs. */
TEST(refine, of_a_call_that_waits_takes_nothing_for_cost) {
    _cleanup_observed_ struct observed *observed = observed_new(3 * FEW);
    if (!observed)
        return;
    struct machine *machine = &observed->machine;
    machine->waiting = FEW;
    machine->waits_ticks = 2e6;
    observed_repeat(observed, 30);
    if (!observed_refine(observed, REFINE_RUNS / 4))
        return;
    observed_correct(observed, 0, &fast_repeats);
    CHECK(observed->corrections.entry_ticks >= 0 && observed->corrections.entry_ticks < 100);
    for (size_t d = 0; d < 3 * FEW; d++) {
        const struct step step = observed_step(observed, d);
        CHECK(step.min_ticks >= 0);
        if (d == FEW)
            CHECK(step.min_ticks - step.cost_ticks > 0.6 * machine->waits_ticks);
        else
            CHECK(fabs(step.min_ticks - step.cost_ticks - machine->ticks[d]) < 150);
    }
}

/* Where runs part after a few dispatches, the way in is known all the same, and none of theirs. */
TEST(refine, of_a_beginning_knows_what_is_before_it) {
    _cleanup_observed_ struct observed *observed = observed_new(3 * FEW);
    if (!observed)
        return;
    struct machine *machine = &observed->machine;
    for (int i = 0; i < 30; i++) {
        size_t count = machine_run_full(machine);
        machine->records[2 * FEW].value ^= i & 2;
        bs_reference_take(&observed->reference, machine->records, count);
    }
    CHECK_EQ(observed->reference.count, 2 * FEW);
    CHECK(!observed->reference.is_whole);
    if (!observed_refine(observed, REFINE_RUNS))
        return;
    CHECK(fabs(bs_refine_entry(&observed->refine) - machine->before_ticks) < 10);
    observed_correct(observed, 0, &fast_repeats);
    for (size_t d = 0; d < 2 * FEW - 1; d++) {
        const double own = machine->ticks[d] + (d ? 0 : machine->before_ticks);
        const struct step step = observed_step(observed, d);
        CHECK(fabs(step.min_ticks - step.cost_ticks - own) < 12);
    }
}

TEST(refine, needs_something_to_refine) {
    struct bs_record records[1] = {};
    struct bs_reference reference;
    struct bs_refine refine;
    if (!CHECK(bs_reference_init(&reference, machine_again)))
        return;
    CHECK(!bs_refine_init(&refine, &reference, 1, 1));
    bs_reference_take(&reference, records, 1);
    CHECK(!bs_refine_init(&refine, &reference, 1, 1));
    bs_reference_deinit(&reference);
}
