/* What is known in the end of a step. */
#include "check.h"
#include "probe/fake_machine.h"

#include <math.h>

#define SEVENTH (BODY + 7) /* a step in the second turn */

/* Steps in the reference know themselves, others what their instruction or opcode costs. */
TEST(correct, takes_the_best_source) {
    _cleanup_observed_ struct observed *observed = observed_new(DISPATCHES);
    if (!observed)
        return;
    const struct machine *machine = &observed->machine;
    const struct bs_corrections *corrections = &observed->corrections;
    observed_repeat(observed, 30);
    if (!observed_refine(observed, REFINE_RUNS))
        return;
    observed_correct(observed, -2, &(struct bs_repeated){.fastest_part = 0.5, .fast_part = 0.8});
    struct step known = {
        .where = CODE_ADDR - 2 + 2 * 7, .opcode = machine->opcodes[7], .mean_ticks = 1000};
    struct step elsewhere = known, other = known;
    known.median_ticks = 900;
    bs_correct(corrections, SEVENTH, &known);
    CHECK(fabs(known.min_ticks - known.cost_ticks - machine->ticks[7]) < 3);
    CHECK(known.error_ticks > 0);
    /* Fast ones of the repeats took 800: what is beyond that is beyond the minimum. */
    CHECK(fabs(known.mean_ticks - known.min_ticks - 200) < 1e-9);
    CHECK(fabs(known.median_ticks - known.min_ticks - 100) < 1e-9);
    bs_correct(corrections, SIZE_MAX, &elsewhere);
    CHECK(elsewhere.median_ticks >= elsewhere.min_ticks);
    CHECK(fabs(elsewhere.min_ticks - 500) < 1e-9);
    CHECK(fabs(elsewhere.cost_ticks - known.cost_ticks) < 3);
    CHECK(elsewhere.error_ticks > 0);
    other.where = 1;
    bs_correct(corrections, SEVENTH, &other);
    CHECK(other.error_ticks > 0);
    CHECK(fabs(other.min_ticks - 500) < 1e-9);
    CHECK(fabs(other.cost_ticks - known.cost_ticks) < 15);

    /* The repeats were at other moments: only what is not in the reference feels that. */
    struct step known_again = known, shifted = other;
    observed_correct(observed, -2, &(struct bs_repeated){.cost_ticks = 1000, .fastest_part = 0.5});
    bs_correct(corrections, SEVENTH, &known_again);
    CHECK(fabs(known_again.cost_ticks - known.cost_ticks) < 1e-9);
    bs_correct(corrections, SEVENTH, &shifted);
    CHECK(shifted.cost_ticks > 900 && shifted.cost_ticks < 1100);
}

TEST(correct, without_refinement_everything_costs_the_same) {
    _cleanup_observed_ struct observed *observed = observed_new(DISPATCHES);
    if (!observed)
        return;
    observed_repeat(observed, 30);
    observed_correct(
        observed, 0,
        &(struct bs_repeated){.cost_ticks = 50, .full_cost_ticks = 5, .fastest_part = 0.5});
    const struct step step = observed_step(observed, 0);
    CHECK(fabs(step.cost_ticks - 5) < 1e-9);
    CHECK(step.min_ticks >= FULL_TICKS - CLOCK_STEP);
    /* The way in is the first one's, also where the step is not in the reference. */
    struct step other = {.where = 1, .mean_ticks = 100};
    observed_correct(observed, 0, &(struct bs_repeated){.entry_ticks = 40, .fastest_part = 0.5});
    CHECK(fabs(observed_step(observed, 0).min_ticks - step.min_ticks - 40) < 1e-9);
    bs_correct(&observed->corrections, 0, &other);
    CHECK(fabs(other.min_ticks - 90) < 1e-9);
}
