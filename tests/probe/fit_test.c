/* The fit, against a machine that behaves as the model says. */
#include "agent/probe/fit.h"
#include "agent/random.h"
#include "check.h"
#include "core/cleanup.h"

#include <math.h>
#include <stdlib.h>

#define DISPATCHES 400
#define GROUPS     100 /* each four times */
#define OPCODES    20
#define INTERVALS  20000

static const double stamp_ticks[BS_FIT_STAMPS] = {20, 17, 15, 14, 14};
#define PASS_TICKS 5.0

struct machine {
    double true_ticks[GROUPS], full_ticks[DISPATCHES];
    uint32_t groups[DISPATCHES];
    uint8_t opcodes[GROUPS];
    struct bs_interval intervals[INTERVALS];
    uint64_t random;
};

static double uniform(struct machine *machine) {
    return bs_random_part(&machine->random);
}

/* The probe hides work: the shorter the instruction, the more of it. */
static void make_machine(struct machine *machine, double noise_ticks) {
    machine->random = 42;
    double usual_ticks[OPCODES];
    for (int o = 0; o < OPCODES; o++)
        usual_ticks[o] = 3 + 40 * uniform(machine) * uniform(machine);
    for (int g = 0; g < GROUPS; g++) {
        machine->opcodes[g] = (uint8_t)(g % OPCODES);
        machine->true_ticks[g] = usual_ticks[g % OPCODES] + 2 * uniform(machine);
    }
    for (int d = 0; d < DISPATCHES; d++) {
        machine->groups[d] = (uint32_t)(d % GROUPS);
        machine->full_ticks[d] = fmax(28, machine->true_ticks[d % GROUPS] + 18);
    }
    for (int i = 0; i < INTERVALS; i++) {
        struct bs_interval *w = &machine->intervals[i];
        uint32_t length = 1 + (uint32_t)(uniform(machine) * 12);
        w->first = (uint32_t)(uniform(machine) * (DISPATCHES - 13));
        w->end = w->first + length;
        w->passes = (uint32_t)(uniform(machine) * length);
        w->ticks = PASS_TICKS * w->passes + noise_ticks * (uniform(machine) - 0.5) +
                   stamp_ticks[(length < BS_FIT_STAMPS ? length : BS_FIT_STAMPS) - 1];
        for (uint32_t d = w->first; d < w->end; d++)
            w->ticks += machine->true_ticks[machine->groups[d]];
    }
}

static struct bs_fit_input input_of(const struct machine *machine) {
    return (struct bs_fit_input){.intervals = machine->intervals,
                                 .interval_count = INTERVALS,
                                 .full_ticks = machine->full_ticks,
                                 .groups = machine->groups,
                                 .opcodes = machine->opcodes,
                                 .group_count = GROUPS};
}

TEST(fit, finds_what_each_instruction_takes) {
    _cleanup_free_ struct machine *machine = calloc(1, sizeof(*machine));
    struct bs_fit fit;
    make_machine(machine, 0);
    struct bs_fit_input input = input_of(machine);
    if (!CHECK(bs_fit_solve(&input, &fit)))
        return;
    for (int g = 0; g < GROUPS; g++)
        CHECK(fabs(machine->full_ticks[g] - fit.cost_ticks[g] - machine->true_ticks[g]) < 0.1);
    for (int i = 0; i < BS_FIT_STAMPS; i++)
        CHECK(fabs(fit.stamp_ticks[i] - stamp_ticks[i]) < 0.2);
    CHECK(fabs(fit.pass_ticks - PASS_TICKS) < 0.1);
    CHECK(fit.residual_ticks < 0.1);
    bs_fit_deinit(&fit);
}

/* Noise averages out, and the errors that the fit states are of the size of its errors. */
TEST(fit, states_its_errors) {
    _cleanup_free_ struct machine *machine = calloc(1, sizeof(*machine));
    struct bs_fit fit;
    make_machine(machine, 25);
    struct bs_fit_input input = input_of(machine);
    if (!CHECK(bs_fit_solve(&input, &fit)))
        return;
    double squares = 0, stated = 0;
    for (int g = 0; g < GROUPS; g++) {
        double miss = machine->full_ticks[g] - fit.cost_ticks[g] - machine->true_ticks[g];
        squares += miss * miss / GROUPS;
        stated += fit.error_ticks[g] * fit.error_ticks[g] / GROUPS;
    }
    CHECK(sqrt(squares) < 2);
    CHECK(sqrt(stated) > sqrt(squares) / 3 && sqrt(stated) < sqrt(squares) * 3);
    CHECK(fabs(fit.residual_ticks - 25 / sqrt(12)) < 0.5);
    bs_fit_deinit(&fit);
}

/* As after a system call: intervals vary by more than a stamp could cost. They are not believed. */
TEST(fit, of_wild_intervals_takes_the_usual_cost) {
    _cleanup_free_ struct machine *machine = calloc(1, sizeof(*machine));
    struct bs_fit fit;
    make_machine(machine, 4000);
    struct bs_fit_input input = input_of(machine);
    input.usual_ticks = 18;
    if (!CHECK(bs_fit_solve(&input, &fit)))
        return;
    for (int g = 0; g < GROUPS; g++) {
        CHECK(fabs(fit.cost_ticks[g] - input.usual_ticks) < 20);
        CHECK(fit.error_ticks[g] < 20);
    }
    bs_fit_deinit(&fit);
}

/* Mean of how far the costs are off, from few intervals: not two for each group at either end. */
static double error_of_few(struct machine *machine) {
    struct bs_fit fit;
    struct bs_fit_input input = input_of(machine);
    double error = 0;
    input.interval_count = 150;
    if (!CHECK(bs_fit_solve(&input, &fit)))
        return 0;
    for (int g = 0; g < GROUPS; g++)
        error += fabs(machine->full_ticks[g] - fit.cost_ticks[g] - machine->true_ticks[g]) / GROUPS;
    bs_fit_deinit(&fit);
    return error;
}

/* A group that few intervals tell of takes about what others of its opcode take. */
TEST(fit, others_of_the_opcode_tell_of_a_rare_group) {
    _cleanup_free_ struct machine *machine = calloc(1, sizeof(*machine));
    make_machine(machine, 10);
    for (int d = 0; d < DISPATCHES; d++)
        machine->full_ticks[d] = 60; /* and tells nothing */
    const double alike = error_of_few(machine);
    for (int g = 0; g < GROUPS; g++)
        machine->opcodes[g] = (uint8_t)g;
    CHECK(alike < 0.7 * error_of_few(machine));
}

/* Two neighbours that no stamp ever parts share what is known of them. */
TEST(fit, neighbours_that_cannot_be_told_apart_get_the_common_cost) {
    static const double full[] = {30, 30, 30, 30};
    static const uint32_t groups[] = {0, 1, 2, 3};
    static const uint8_t opcodes[] = {0, 1, 2, 3};
    static const struct bs_interval intervals[] = {
        {0, 2, 0, false, 34},
        {2, 4, 0, false, 34},
        {0, 4, 0, false, 54},
    };
    struct bs_fit_input input = {intervals, 3, full, groups, opcodes, 4, 0};
    struct bs_fit fit;
    if (!CHECK(bs_fit_solve(&input, &fit)))
        return;
    CHECK(fabs(fit.cost_ticks[0] - fit.cost_ticks[1]) < 1e-6);
    CHECK(fabs(fit.cost_ticks[2] - fit.cost_ticks[3]) < 1e-6);
    CHECK(isfinite(fit.error_ticks[0]));
    bs_fit_deinit(&fit);
}

TEST(fit, of_nothing_is_none) {
    struct bs_fit_input input = {.group_count = 3};
    struct bs_fit fit;
    CHECK(!bs_fit_solve(&input, &fit));
}

/* Some intervals are far too long, by an interrupt: they change little. */
TEST(fit, bears_intervals_in_which_something_else_ran) {
    _cleanup_free_ struct machine *machine = calloc(1, sizeof(*machine));
    struct bs_fit fit;
    make_machine(machine, 5);
    for (int i = 0; i < INTERVALS; i += 50)
        machine->intervals[i].ticks += 20000 * uniform(machine);
    struct bs_fit_input input = input_of(machine);
    if (!CHECK(bs_fit_solve(&input, &fit)))
        return;
    for (int g = 0; g < GROUPS; g++)
        CHECK(fabs(machine->full_ticks[g] - fit.cost_ticks[g] - machine->true_ticks[g]) < 2.5);
    bs_fit_deinit(&fit);
}
