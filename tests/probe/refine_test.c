/* Reference, plans and refinement, on a machine made of arithmetic. */
#include "agent/probe/correct.h"
#include "agent/probe/pattern.h"
#include "agent/probe/refine.h"
#include "agent/random.h"
#include "check.h"
#include "core/cleanup.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAVING 99 /* an opcode after which nothing is dispatched again */

static const bool again[BS_TABLE_ENTRIES] = {[0 ... LEAVING - 1] = true};

#define BODY       30 /* instructions of a loop */
#define TURNS      20
#define DISPATCHES (BODY * TURNS)
#define OPCODES    12
#define CODE_ADDR  0x7f0000001000ull

#define STAMP_TICKS 14
#define PASS_TICKS  4
#define FULL_TICKS                                                                                 \
    28                 /* no two stamps are nearer than this: what short instructions hide behind  \
                        */
#define CLOCK_STEP  25 /* the clock goes in steps of so many ticks */
#define SLOW_RUNS   5000
#define REFINE_RUNS 120000 /* that is some hundred for each plan */

#define FEW 6 /* dispatches of a function without a loop */

/* It runs one function, in a straight line through a loop, now and then slowly. */
struct machine {
    int dispatches;
    double before_ticks, after_ticks; /* the first dispatch, the last */
    double ticks[BODY];
    uint8_t opcodes[BODY];
    struct bs_record records[DISPATCHES + 1];
    uint64_t random, now, start_ticks, run_ticks;
    bool slow;
    int waiting;                      /* this instruction waits for the system, */
    double waits_ticks, varied_ticks; /* for so long; in this run, a third more or less */
};

static double uniform(struct machine *machine) {
    return (double)(bs_random(&machine->random) >> 11) * 0x1p-53;
}

static void machine_make(struct machine *machine) {
    *machine = (struct machine){.random = 7, .dispatches = DISPATCHES};
    for (int i = 0; i < BODY; i++) {
        machine->ticks[i] = 4 + 30 * uniform(machine) * uniform(machine);
        machine->opcodes[i] = (uint8_t)(20 + 3 * (i % OPCODES));
    }
}

/* Of a run without a loop, the two ends are a good part. */
static void machine_make_short(struct machine *machine, int dispatches) {
    machine_make(machine);
    machine->dispatches = dispatches;
    machine->before_ticks = 45;
    machine->after_ticks = 25;
}

static uint64_t clock_of(const struct machine *machine, double ticks) {
    return (uint64_t)((double)machine->now + ticks) / CLOCK_STEP * CLOCK_STEP;
}

static void begin_run(struct machine *machine) {
    machine->now += (uint64_t)(1e6 * uniform(machine));
    machine->start_ticks = clock_of(machine, 0);
    machine->varied_ticks = machine->waits_ticks * (0.7 + 0.6 * uniform(machine));
}

/* Whether visit number @p visit gets a stamp. */
static bool is_stamped(const struct bs_plan *plan, int phase, size_t visit) {
    if (plan)
        return plan->stamped[visit];
    return phase < 0 || bs_pattern_action((size_t)phase + visit) == BS_ACTION_STAMP;
}

/*
 * One run by @p plan; NULL: every dispatch stamped, or by the pattern in a @p phase that is not
 * negative. Returns how many records were written.
 */
static size_t machine_run(struct machine *machine, const struct bs_plan *plan, int phase) {
    const double speed = machine->slow ? 1.8 : 1;
    double now = speed * machine->before_ticks, since = 1e9;
    size_t count = 0;
    begin_run(machine);
    for (int d = 0; d < machine->dispatches; d++) {
        int at = d % BODY;
        if (!plan || (count < plan->visit_count && plan->patched[machine->opcodes[at]])) {
            struct bs_record *record = &machine->records[count];
            bool stamped = is_stamped(plan, phase, count);
            record->value = CODE_ADDR + 2 * (uint64_t)at;
            record->opcode = machine->opcodes[at];
            count++;
            if (stamped) {
                /* Too near: the processor waits for its clock. */
                double wait =
                    since < FULL_TICKS - STAMP_TICKS ? FULL_TICKS - STAMP_TICKS - since : 0;
                now += speed * (STAMP_TICKS + wait);
                record->stamp = clock_of(machine, now);
                since = 0;
            } else {
                now += speed * PASS_TICKS;
            }
        }
        now += speed * machine->ticks[at];
        if (at == machine->waiting)
            now += machine->varied_ticks;
        since += machine->ticks[at];
    }
    now += speed * machine->after_ticks;
    machine->run_ticks = clock_of(machine, now) - clock_of(machine, 0);
    machine->now += (uint64_t)now;
    return count;
}

static double true_sum(const struct machine *machine) {
    double sum = machine->before_ticks + machine->after_ticks;
    for (int d = 0; d < machine->dispatches; d++)
        sum += machine->ticks[d % BODY];
    return sum;
}

/* A run without the probe. */
static void machine_run_bare(struct machine *machine) {
    begin_run(machine);
    machine->run_ticks =
        clock_of(machine, true_sum(machine) * (machine->slow ? 1.8 : 1) + machine->varied_ticks) -
        clock_of(machine, 0);
}

static void repeat(struct machine *machine, struct bs_reference *reference, int runs) {
    for (int i = 0; i < runs; i++) {
        machine->slow = i % 3 == 0;
        size_t count = machine_run(machine, NULL, -1);
        bs_reference_take(reference, machine->records, count);
        bs_fastest_settle(&reference->times, (double)machine->run_ticks, CLOCK_STEP);
    }
}

/* Half of the time the machine is slow, for some blocks at a time. */
static void refine_all(struct machine *machine, struct bs_refine *refine, int runs) {
    bool is_new;
    for (int i = 0; i < runs; i++) {
        enum bs_run_kind kind = bs_refine_next(refine, &is_new);
        size_t count = 0;
        machine->slow = i / SLOW_RUNS % 2;
        if (kind == BS_RUN_BARE)
            machine_run_bare(machine);
        else
            count = machine_run(machine, kind == BS_RUN_TRIAL ? bs_refine_plan(refine) : NULL,
                                kind == BS_RUN_PATTERN ? (int)bs_refine_phase(refine) : -1);
        bs_refine_take(refine, machine->records, count, machine->start_ticks,
                       machine->start_ticks + machine->run_ticks);
    }
}

TEST(refine, finds_times_that_full_stamps_hide) {
    _cleanup_free_ struct machine *machine = calloc(1, sizeof(*machine));
    struct bs_reference reference;
    struct bs_refine refine;
    machine_make(machine);
    if (!CHECK(bs_reference_init(&reference, again)))
        return;
    repeat(machine, &reference, 30);
    if (CHECK(bs_refine_init(&refine, &reference, DISPATCHES, CLOCK_STEP))) {
        refine_all(machine, &refine, REFINE_RUNS);
        CHECK(bs_refine_settled(&refine));
        CHECK(bs_refine_solve(&refine));
        CHECK(fabs(bs_refine_bare(&refine) - true_sum(machine)) < 0.002 * true_sum(machine));
        double full[DISPATCHES], sum = 0;
        CHECK(bs_reference_ticks(&reference, refine.limit, bs_refine_bare(&refine), full));
        for (int d = BODY; d < 2 * BODY; d++) {
            double ticks = full[d] - bs_refine_cost(&refine, (size_t)d).ticks;
            CHECK(fabs(ticks - machine->ticks[d % BODY]) < 3);
        }
        for (int d = 0; d + 1 < DISPATCHES; d++)
            sum += full[d] - bs_refine_cost(&refine, (size_t)d).ticks;
        sum += machine->ticks[BODY - 1];
        CHECK(fabs(sum - true_sum(machine)) < 0.005 * true_sum(machine));
        sum = machine->ticks[BODY - 1];
        for (int d = 0; d + 1 < DISPATCHES; d++)
            sum += full[d];
        CHECK(bs_refine_patterned(&refine) > 1.1 * bs_refine_bare(&refine));
        CHECK(bs_refine_patterned(&refine) < 0.9 * sum);
        bs_refine_deinit(&refine);
    }
    bs_reference_deinit(&reference);
}

/* Dispatch @p index of a run without a loop, as it is told in the end. */
static struct step corrected(const struct machine *machine,
                             const struct bs_corrections *corrections, size_t index) {
    struct step step = {.where = CODE_ADDR + 2 * index, .opcode = machine->opcodes[index]};
    bs_correct(corrections, index, &step);
    return step;
}

/* Most of a short run may be no dispatch at all; none of that is shared out among them. */
TEST(refine, of_few_dispatches_knows_what_is_before_and_after_them) {
    _cleanup_free_ struct machine *machine = calloc(1, sizeof(*machine));
    struct bs_reference reference;
    struct bs_refine refine;
    struct bs_corrections corrections;
    const struct bs_stream stream = {};
    machine_make_short(machine, FEW);
    if (!CHECK(bs_reference_init(&reference, again)))
        return;
    repeat(machine, &reference, 30);
    if (CHECK(bs_refine_init(&refine, &reference, FEW, CLOCK_STEP))) {
        refine_all(machine, &refine, REFINE_RUNS);
        CHECK(bs_refine_solve(&refine));
        CHECK(fabs(bs_refine_bare(&refine) - true_sum(machine)) < 2);
        CHECK(fabs(bs_refine_entry(&refine) - machine->before_ticks) < 10);
        bs_corrections_make(&corrections, &reference, &refine, &stream,
                            &(struct bs_repeated){.cost_ticks = 0, .fastest_part = 1});
        double sum = 0;
        for (size_t d = 0; d < FEW; d++) {
            const double own = machine->ticks[d] + (d ? 0 : machine->before_ticks) +
                               (d < FEW - 1 ? 0 : machine->after_ticks);
            struct step step = corrected(machine, &corrections, d);
            CHECK(fabs(step.min_ticks - step.cost_ticks - own) < 8);
            sum += step.min_ticks - step.cost_ticks;
        }
        CHECK(fabs(sum - true_sum(machine)) < 2);
        bs_corrections_deinit(&corrections);
        bs_refine_deinit(&refine);
    }
    bs_reference_deinit(&reference);
}

/* What the system takes varies by more than all else takes together, and is none of theirs. */
TEST(refine, of_a_call_that_waits_takes_nothing_for_cost) {
    _cleanup_free_ struct machine *machine = calloc(1, sizeof(*machine));
    struct bs_reference reference;
    struct bs_refine refine;
    struct bs_corrections corrections;
    const struct bs_stream stream = {};
    machine_make_short(machine, 3 * FEW);
    machine->waiting = FEW;
    machine->waits_ticks = 2e6;
    if (!CHECK(bs_reference_init(&reference, again)))
        return;
    repeat(machine, &reference, 30);
    if (CHECK(bs_refine_init(&refine, &reference, 3 * FEW, CLOCK_STEP))) {
        refine_all(machine, &refine, REFINE_RUNS / 4);
        CHECK(bs_refine_solve(&refine));
        bs_corrections_make(&corrections, &reference, &refine, &stream,
                            &(struct bs_repeated){.cost_ticks = 0, .fastest_part = 1});
        CHECK(corrections.entry_ticks >= 0 && corrections.entry_ticks < 100);
        for (size_t d = 0; d < 3 * FEW; d++) {
            struct step step = corrected(machine, &corrections, d);
            CHECK(step.min_ticks >= 0);
            if (d == FEW)
                CHECK(step.min_ticks - step.cost_ticks > 0.6 * machine->waits_ticks);
            else
                CHECK(fabs(step.min_ticks - step.cost_ticks - machine->ticks[d]) < 150);
        }
        bs_corrections_deinit(&corrections);
        bs_refine_deinit(&refine);
    }
    bs_reference_deinit(&reference);
}

/* Where runs part after a few dispatches, the way in is known all the same, and none of theirs. */
TEST(refine, of_a_beginning_knows_what_is_before_it) {
    _cleanup_free_ struct machine *machine = calloc(1, sizeof(*machine));
    struct bs_reference reference;
    struct bs_refine refine;
    struct bs_corrections corrections;
    const struct bs_stream stream = {};
    machine_make_short(machine, 3 * FEW);
    if (!CHECK(bs_reference_init(&reference, again)))
        return;
    for (int i = 0; i < 30; i++) {
        size_t count = machine_run(machine, NULL, -1);
        machine->records[2 * FEW].value ^= i & 2;
        bs_reference_take(&reference, machine->records, count);
    }
    CHECK_EQ(reference.count, 2 * FEW);
    CHECK(!reference.is_whole);
    if (CHECK(bs_refine_init(&refine, &reference, 3 * FEW, CLOCK_STEP))) {
        refine_all(machine, &refine, REFINE_RUNS);
        CHECK(bs_refine_solve(&refine));
        CHECK(fabs(bs_refine_entry(&refine) - machine->before_ticks) < 10);
        bs_corrections_make(&corrections, &reference, &refine, &stream,
                            &(struct bs_repeated){.cost_ticks = 0, .fastest_part = 1});
        for (size_t d = 0; d < 2 * FEW - 1; d++) {
            const double own = machine->ticks[d] + (d ? 0 : machine->before_ticks);
            struct step step = corrected(machine, &corrections, d);
            CHECK(fabs(step.min_ticks - step.cost_ticks - own) < 12);
        }
        bs_corrections_deinit(&corrections);
        bs_refine_deinit(&refine);
    }
    bs_reference_deinit(&reference);
}

TEST(refine, needs_something_to_refine) {
    struct bs_record records[1] = {};
    struct bs_reference reference;
    struct bs_refine refine;
    if (!CHECK(bs_reference_init(&reference, again)))
        return;
    CHECK(!bs_refine_init(&refine, &reference, 1, 1));
    bs_reference_take(&reference, records, 1);
    CHECK(!bs_refine_init(&refine, &reference, 1, 1));
    bs_reference_deinit(&reference);
}

/* Runs off the path are not taken; when they are frequent, the reference ends where they leave. */
TEST(reference, is_cut_to_what_runs_share) {
    _cleanup_free_ struct machine *machine = calloc(1, sizeof(*machine));
    struct bs_reference reference;
    machine_make(machine);
    if (!CHECK(bs_reference_init(&reference, again)))
        return;
    repeat(machine, &reference, 20);
    CHECK_EQ(reference.count, DISPATCHES);
    for (int i = 0; i < 20; i++) {
        size_t count = machine_run(machine, NULL, -1);
        machine->records[400].value ^= i > 18 ? 2 : 0;
        bs_reference_take(&reference, machine->records, count);
    }
    CHECK_EQ(reference.count, DISPATCHES);
    for (int i = 0; i < 20; i++) {
        size_t count = machine_run(machine, NULL, -1);
        machine->records[400].value ^= i & 2;
        bs_reference_take(&reference, machine->records, count);
    }
    CHECK_EQ(reference.count, 400);
    for (int i = 0; i < 100; i++) {
        size_t count = machine_run(machine, NULL, -1);
        machine->records[50].value ^= i & 2;
        bs_reference_take(&reference, machine->records, count);
    }
    CHECK(reference.count >= 25 && reference.count <= 50);
    bs_reference_deinit(&reference);
}

/* An instruction that is dispatched again, as it specialises itself, is no other path. */
TEST(reference, takes_dispatching_again_as_one) {
    struct bs_record records[] = {{.value = 2, .opcode = 1},
                                  {.value = 4, .opcode = 2, .stamp = 10},
                                  {.value = 4, .opcode = 3, .stamp = 15},
                                  {.value = 6, .opcode = 4, .stamp = 30}};
    struct bs_record plain[] = {records[0], records[2], records[3]};
    struct bs_reference reference;
    double ticks[3];
    plain[1].stamp = 10;
    if (!CHECK(bs_reference_init(&reference, again)))
        return;
    CHECK_EQ(bs_reference_take(&reference, records, 4), 30);
    CHECK_EQ(bs_reference_take(&reference, plain, 3), 30);
    bs_fastest_settle(&reference.times, 30, 1);
    CHECK_EQ(reference.count, 3);
    CHECK_EQ(reference.strayed, 0);
    CHECK_EQ(reference.dispatches[1].opcode, 3);
    CHECK(bs_reference_ticks(&reference, INT32_MAX, 0, ticks));
    CHECK(fabs(ticks[0] - 10) < 1e-9 && fabs(ticks[1] - 20) < 1e-9);
    bs_reference_deinit(&reference);
}

/* In `def f(n): return n and f(n - 1)` one return comes right after the other. */
TEST(reference, parts_returns_that_follow_each_other) {
    struct bs_record records[] = {{.value = 2, .opcode = 1},
                                  {.value = 4, .opcode = LEAVING, .stamp = 10},
                                  {.value = 4, .opcode = LEAVING, .stamp = 15},
                                  {.value = 4, .opcode = LEAVING, .stamp = 30}};
    struct bs_reference reference;
    if (!CHECK(bs_reference_init(&reference, again)))
        return;
    CHECK_EQ(bs_reference_take(&reference, records, 4), 30);
    CHECK_EQ(reference.count, 4);
    bs_reference_deinit(&reference);
}

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
    _cleanup_free_ struct machine *machine = calloc(1, sizeof(*machine));
    struct bs_reference reference;
    uint64_t random = 99;
    size_t stamps = 0, plans = 200;
    bool seen[BODY] = {};
    machine_make(machine);
    if (!CHECK(bs_reference_init(&reference, again)))
        return;
    repeat(machine, &reference, 1);
    for (size_t p = 0; p < plans; p++) {
        struct bs_plan plan;
        int stamped[BODY];
        memset(stamped, -1, sizeof(stamped));
        if (!CHECK(bs_plan_make(&reference, bs_plan_is_tight(&reference), &random, &plan)))
            break;
        stamps += plan.stamp_count;
        for (size_t v = 0; v < plan.visit_count; v++) {
            uint32_t at = plan.visits[v] % BODY;
            CHECK(plan.patched[machine->opcodes[at]]);
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
    bs_reference_deinit(&reference);
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

/* What takes two measures takes that in every moment, and means are over fast ones. */
TEST(fastest, mean_is_over_fast_moments) {
    struct bs_fastest fastest;
    double mean[2];
    if (!CHECK(bs_fastest_init(&fastest, 2)))
        return;
    CHECK(!bs_fastest_mean(&fastest, INT32_MAX, 0, mean));
    for (int i = 0; i < 1000; i++) {
        double measure = i % 10 < 7 ? 1900 + i : 1010 + i % 7;
        for (int run = 0; run < 2; run++) {
            double *sums = bs_fastest_add(&fastest);
            sums[0] += 2 * measure;
            sums[1] += i % 10 < 7 ? 1 : 2;
        }
        bs_fastest_settle(&fastest, measure, 1);
    }
    int limit = bs_fastest_limit(&fastest, 100);
    CHECK_EQ(bs_fastest_runs(&fastest, limit), 600);
    CHECK(bs_fastest_mean(&fastest, limit, 0, mean));
    CHECK(fabs(mean[0] - 2026) < 1);
    CHECK(fabs(mean[1] - 2) < 1e-9);
    CHECK(bs_fastest_mean(&fastest, INT32_MAX, 500, mean));
    CHECK(fabs(mean[0] - 1000) < 1e-6);
    bs_fastest_deinit(&fastest);
}

TEST(fastest, what_has_no_known_moment_is_dropped) {
    struct bs_fastest fastest;
    double mean;
    if (!CHECK(bs_fastest_init(&fastest, 1)))
        return;
    *bs_fastest_add(&fastest) += 7;
    bs_fastest_drop(&fastest);
    bs_fastest_settle(&fastest, 1, 1);
    CHECK(!bs_fastest_mean(&fastest, INT32_MAX, 0, &mean));
    CHECK_EQ(bs_fastest_limit(&fastest, 1), INT32_MIN);
    bs_fastest_deinit(&fastest);
}

/* There is room for a few classes: those that are faster. */
TEST(fastest, keeps_the_fastest_classes) {
    struct bs_fastest fastest;
    if (!CHECK(bs_fastest_init(&fastest, 1)))
        return;
    for (int i = 40; i-- > 0;) {
        bs_fastest_add(&fastest);
        bs_fastest_settle(&fastest, 1000 + 100 * (i * 7 % 40), 1);
    }
    CHECK_EQ(bs_fastest_runs(&fastest, INT32_MAX), BS_FASTEST_CLASSES);
    CHECK(bs_fastest_limit(&fastest, UINT32_MAX) <= bs_fastest_class(1700, 1));
    bs_fastest_deinit(&fastest);
}

/* Steps in the reference know themselves, others what their instruction or opcode costs. */
TEST(correct, takes_the_best_source) {
    _cleanup_free_ struct machine *machine = calloc(1, sizeof(*machine));
    struct bs_reference reference;
    struct bs_refine refine;
    struct bs_corrections corrections;
    const struct bs_stream stream = {.offset_bytes = -2};
    machine_make(machine);
    if (!CHECK(bs_reference_init(&reference, again)))
        return;
    repeat(machine, &reference, 30);
    if (CHECK(bs_refine_init(&refine, &reference, DISPATCHES, CLOCK_STEP))) {
        refine_all(machine, &refine, REFINE_RUNS);
        CHECK(bs_refine_solve(&refine));
        bs_corrections_make(
            &corrections, &reference, &refine, &stream,
            &(struct bs_repeated){.cost_ticks = 0, .fastest_part = 0.5, .fast_part = 0.8});
        const uint64_t where = CODE_ADDR - 2 + 2 * 7;
        struct step known = {.where = where, .opcode = machine->opcodes[7], .mean_ticks = 1000};
        struct step elsewhere = known, other = known;
        known.median_ticks = 900;
        bs_correct(&corrections, BODY + 7, &known);
        CHECK(fabs(known.min_ticks - known.cost_ticks - machine->ticks[7]) < 3);
        CHECK(known.error_ticks > 0);
        /* Fast ones of the repeats took 800: what is beyond that is beyond the minimum. */
        CHECK(fabs(known.mean_ticks - known.min_ticks - 200) < 1e-9);
        CHECK(fabs(known.median_ticks - known.min_ticks - 100) < 1e-9);
        bs_correct(&corrections, SIZE_MAX, &elsewhere);
        CHECK(elsewhere.median_ticks >= elsewhere.min_ticks);
        CHECK(fabs(elsewhere.min_ticks - 500) < 1e-9);
        CHECK(fabs(elsewhere.cost_ticks - known.cost_ticks) < 3);
        other.where = 1;
        bs_correct(&corrections, BODY + 7, &other);
        CHECK(fabs(other.min_ticks - 500) < 1e-9);
        CHECK(fabs(other.cost_ticks - known.cost_ticks) < 15);
        bs_corrections_deinit(&corrections);

        /* The repeats were at other moments: only what is not in the reference feels that. */
        struct step known_again = known, shifted = other;
        bs_corrections_make(&corrections, &reference, &refine, &stream,
                            &(struct bs_repeated){.cost_ticks = 1000, .fastest_part = 0.5});
        bs_correct(&corrections, BODY + 7, &known_again);
        CHECK(fabs(known_again.cost_ticks - known.cost_ticks) < 1e-9);
        bs_correct(&corrections, BODY + 7, &shifted);
        CHECK(shifted.cost_ticks > 900 && shifted.cost_ticks < 1100);
        bs_corrections_deinit(&corrections);
        bs_refine_deinit(&refine);
    }
    bs_reference_deinit(&reference);
}

TEST(correct, without_refinement_everything_costs_the_same) {
    _cleanup_free_ struct machine *machine = calloc(1, sizeof(*machine));
    struct bs_reference reference;
    const struct bs_refine none = {};
    const struct bs_stream stream = {};
    struct bs_corrections corrections;
    machine_make(machine);
    if (!CHECK(bs_reference_init(&reference, again)))
        return;
    repeat(machine, &reference, 30);
    bs_corrections_make(
        &corrections, &reference, &none, &stream,
        &(struct bs_repeated){.cost_ticks = 50, .full_cost_ticks = 5, .fastest_part = 0.5});
    struct step step = {.where = CODE_ADDR, .opcode = machine->opcodes[0], .mean_ticks = 100};
    bs_correct(&corrections, 0, &step);
    CHECK(fabs(step.cost_ticks - 5) < 1e-9);
    CHECK(step.min_ticks >= FULL_TICKS - CLOCK_STEP);
    bs_corrections_deinit(&corrections);
    /* The way in is the first one's, also where the step is not in the reference. */
    struct step first = step, other = {.where = 1, .mean_ticks = 100};
    bs_corrections_make(&corrections, &reference, &none, &stream,
                        &(struct bs_repeated){.entry_ticks = 40, .fastest_part = 0.5});
    bs_correct(&corrections, 0, &first);
    CHECK(fabs(first.min_ticks - step.min_ticks - 40) < 1e-9);
    bs_correct(&corrections, 0, &other);
    CHECK(fabs(other.min_ticks - 90) < 1e-9);
    bs_corrections_deinit(&corrections);
    bs_reference_deinit(&reference);
}
