#include "agent/probe/refine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TRIALS_LEAST 24  /* fewer plans do not part all neighbours */
#define ENOUGH       100 /* runs of one trial for a mean */
#define ENOUGH_LEAST 20  /* rather slower moments than fewer */

/* Moments in which the machine grew slower or faster by so much do not count. */
#define STEADY_PART 0.1

/* The opcode of what is none: of the first stretch, and of the last, which has the end in it. */
#define NO_OPCODE 0

/*
 * What all stretches together take beyond the run without the probe: how uncertain the two ends are
 * in that, in uncertainties of a dispatch. Measured: from 10 to 30 the results are alike.
 */
#define ENDS_UNCERTAIN 20

/* More than so many ticks a stretch is no cost: the run itself varied, as one that sleeps does. */
#define MATCH_MOST 10

/* Nearly everything: this part of the trials; moments nearly as fast: so many classes more. */
#define SETTLED_PART 0.9
#define CLASSES_NEAR 2

struct key {
    uint64_t before, value;
    uint32_t index;
};

static int compare_keys(const void *a, const void *b) {
    const struct key *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return (x->before > y->before) - (x->before < y->before);
}

static size_t stretches(const struct bs_refine *refine) {
    return refine->reference->count + 1;
}

/* What a stretch takes without the probe's cost, as the fit has it; less than nothing, maybe. */
static double own_ticks(const struct bs_refine *refine, size_t stretch) {
    return refine->full_ticks[stretch] - refine->fit.cost_ticks[refine->groups[stretch]];
}

static void add_group(struct bs_refine *refine, size_t stretch, uint8_t opcode) {
    refine->groups[stretch] = (uint32_t)refine->group_count;
    refine->opcodes[refine->group_count++] = opcode;
}

/* Dispatches of one instruction after the same other one cost alike: one group. */
static bool make_groups(struct bs_refine *refine) {
    const struct bs_reference *reference = refine->reference;
    const size_t last = reference->count - 1;
    struct key *keys = malloc(reference->count * sizeof(*keys));
    refine->groups = malloc(stretches(refine) * sizeof(*refine->groups));
    refine->opcodes = malloc(stretches(refine) * sizeof(*refine->opcodes));
    if (!keys || !refine->groups || !refine->opcodes) {
        free(keys);
        return false;
    }
    for (size_t i = 0; i < last; i++)
        keys[i] = (struct key){.before = i ? reference->dispatches[i - 1].value : 0,
                               .value = reference->dispatches[i].value,
                               .index = (uint32_t)i};
    qsort(keys, last, sizeof(*keys), compare_keys);
    for (size_t i = 0; i < last; i++) {
        if (!i || compare_keys(&keys[i - 1], &keys[i]))
            add_group(refine, keys[i].index + 1, reference->dispatches[keys[i].index].opcode);
        refine->groups[keys[i].index + 1] = (uint32_t)refine->group_count - 1;
    }
    add_group(refine, 0, NO_OPCODE);
    add_group(refine, last + 1, NO_OPCODE);
    free(keys);
    return true;
}

static bool make_trials(struct bs_refine *refine) {
    const bool tight = bs_plan_is_tight(refine->reference);
    uint64_t random = 0x9e3779b97f4a7c15ull;
    refine->trials = calloc(BS_TURNS_TRIALS, sizeof(*refine->trials));
    while (refine->trials && refine->trial_count < BS_TURNS_TRIALS) {
        struct bs_trial *trial = &refine->trials[refine->trial_count++];
        if (!bs_trial_init(trial, refine->reference, tight, &random))
            return false;
    }
    return refine->trials != NULL;
}

bool bs_refine_init(struct bs_refine *refine, struct bs_reference *reference, uint64_t dispatches,
                    double step_ticks) {
    *refine = (struct bs_refine){
        .reference = reference,
        .is_whole = reference->is_whole && dispatches < BS_REFERENCE_MAX,
    };
    bs_turns_init(&refine->turns, dispatches, step_ticks);
    refine->step_ticks = step_ticks / sqrt(refine->turns.end - refine->turns.idle);
    refine->full_ticks = malloc(stretches(refine) * sizeof(*refine->full_ticks));
    refine->charged_ticks = calloc(stretches(refine), sizeof(*refine->charged_ticks));
    refine->charged_error_ticks = calloc(stretches(refine), sizeof(*refine->charged_error_ticks));
    if (reference->count && refine->full_ticks && refine->charged_ticks &&
        refine->charged_error_ticks && bs_fastest_init(&refine->bare, 1) &&
        bs_fastest_init(&refine->patterned, 1) && bs_fastest_init(&refine->ends, 2) &&
        make_groups(refine) && make_trials(refine)) {
        /* Times of the repeats are older than those of the trials will be. */
        bs_fastest_reset(&reference->times);
        reference->frozen = true;
        return true;
    }
    bs_refine_deinit(refine);
    return false;
}

void bs_refine_deinit(struct bs_refine *refine) {
    for (size_t i = 0; i < refine->trial_count; i++)
        bs_trial_deinit(&refine->trials[i]);
    bs_fastest_deinit(&refine->bare);
    bs_fastest_deinit(&refine->patterned);
    bs_fastest_deinit(&refine->ends);
    bs_fit_deinit(&refine->fit);
    free(refine->trials);
    free(refine->groups);
    free(refine->opcodes);
    free(refine->full_ticks);
    free(refine->charged_ticks);
    free(refine->charged_error_ticks);
    *refine = (struct bs_refine){};
}

/* Whether the machine was as fast after a block as it was before. */
static bool is_steady(const struct bs_refine *refine, double before, double after) {
    return fabs(after - before) <= STEADY_PART * fmin(before, after) + 2 * refine->step_ticks;
}

/* Runs without the probe took @p ticks in the moments of what was added; 0: it varied. */
static void end_moment(const struct bs_refine *refine, struct bs_fastest *times, double ticks) {
    if (ticks > 0)
        bs_fastest_settle(times, ticks, refine->step_ticks);
    else if (times->added)
        bs_fastest_drop(times);
}

/* The block that began with `before` is over; `now` came after it. */
static void end_block(struct bs_refine *refine, struct bs_bare before, struct bs_bare now) {
    const bool is_good = before.runs && now.runs && is_steady(refine, before.ticks, now.ticks);
    const double ticks = (before.ticks + now.ticks) / 2;
    if (is_good)
        *bs_fastest_add(&refine->bare) += ticks;
    end_moment(refine, &refine->bare, is_good ? ticks : 0);
    end_moment(refine, &refine->patterned, is_good ? ticks : 0);
    end_moment(refine, &refine->ends, is_good ? ticks : 0);
    end_moment(refine, &refine->reference->times, is_good ? ticks : 0);
    for (size_t i = 0; i < refine->trial_count; i++)
        end_moment(refine, &refine->trials[i].times, is_good ? ticks : 0);
}

/* A turn without the probe is over, and the block before it. */
static void end_bare(struct bs_refine *refine) {
    struct bs_bare now = refine->now;
    if (now.runs)
        now.ticks /= now.runs;
    end_block(refine, refine->before, now);
    refine->before = now;
    refine->now = (struct bs_bare){};
}

enum bs_run_kind bs_refine_next(struct bs_refine *refine, bool *ret_new) {
    struct bs_turns *turns = &refine->turns;
    if (bs_turns_is_over(turns)) {
        if (bs_turns_kind(turns) == BS_RUN_BARE)
            end_bare(refine);
        bs_turns_next(turns);
    }
    *ret_new = !turns->run;
    return bs_turns_kind(turns);
}

const struct bs_plan *bs_refine_plan(const struct bs_refine *refine) {
    return &refine->trials[bs_turns_trial(&refine->turns)].plan;
}

size_t bs_refine_phase(const struct bs_refine *refine) {
    return bs_turns_phase(&refine->turns);
}

static void take_full(struct bs_refine *refine, struct bs_record *records, size_t count,
                      uint64_t start_ticks, uint64_t end_ticks) {
    const uint64_t ticks = end_ticks - start_ticks;
    const uint64_t between = bs_reference_take(refine->reference, records, count);
    if (!between)
        return;
    const uint64_t before = bs_stamp_ticks(records[0].stamp, start_ticks);
    double *sums = bs_fastest_add(&refine->ends);
    sums[0] += (double)before;
    sums[1] += (double)ticks - (double)before - (double)between;
}

void bs_refine_take(struct bs_refine *refine, struct bs_record *records, size_t count,
                    uint64_t start_ticks, uint64_t end_ticks) {
    const uint64_t ticks = end_ticks - start_ticks;
    const enum bs_run_kind kind = bs_turns_kind(&refine->turns);
    if (!bs_turns_take(&refine->turns, ticks))
        return;
    if (kind == BS_RUN_TRIAL) {
        bs_trial_take(&refine->trials[bs_turns_trial(&refine->turns)], refine->reference, records,
                      count, start_ticks, end_ticks);
    } else if (kind == BS_RUN_FULL) {
        take_full(refine, records, count, start_ticks, end_ticks);
    } else if (kind == BS_RUN_PATTERN) {
        *bs_fastest_add(&refine->patterned) += (double)ticks;
    } else {
        refine->now.ticks += (double)ticks;
        refine->now.runs++;
    }
}

bool bs_refine_settled(const struct bs_refine *refine) {
    const int near = bs_fastest_limit(&refine->bare, 1) + CLASSES_NEAR;
    size_t settled = 0;
    for (size_t i = 0; i < refine->trial_count; i++)
        settled += bs_fastest_runs(&refine->trials[i].times, near) >= ENOUGH;
    return settled >= SETTLED_PART * (double)refine->trial_count;
}

double bs_refine_bare(const struct bs_refine *refine) {
    double mean = 0;
    if (refine->trial_count)
        bs_fastest_mean(&refine->bare, refine->limit, 0, &mean);
    return mean;
}

double bs_refine_patterned(const struct bs_refine *refine) {
    double mean = 0;
    if (refine->solved && refine->is_whole)
        bs_fastest_mean(&refine->patterned, refine->limit, bs_refine_bare(refine), &mean);
    return mean;
}

double bs_refine_entry(const struct bs_refine *refine) {
    return refine->solved ? own_ticks(refine, 0) : 0;
}

static int compare_numbers(const void *a, const void *b) {
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

/* The fastest moments of which there is enough for nearly everything. */
static int choose_limit(const struct bs_refine *refine) {
    const int near = bs_fastest_limit(&refine->bare, 1) + CLASSES_NEAR;
    int limits[BS_TURNS_TRIALS];
    size_t count = 0;
    for (size_t i = 0; i < refine->trial_count; i++) {
        int limit = bs_fastest_limit(&refine->trials[i].times, ENOUGH_LEAST);
        if (limit > INT32_MIN)
            limits[count++] = limit;
    }
    if (!count)
        return near;
    qsort(limits, count, sizeof(*limits), compare_numbers);
    int limit = limits[(size_t)(SETTLED_PART * (double)(count - 1))];
    return limit > near ? limit : near;
}

static void average_opcodes(struct bs_refine *refine) {
    size_t counts[BS_TABLE_ENTRIES] = {};
    for (int i = 0; i < BS_TABLE_ENTRIES; i++)
        refine->opcode_cost_ticks[i] = 0;
    for (size_t i = 0; i + 1 < refine->reference->count; i++) {
        uint8_t opcode = refine->reference->dispatches[i].opcode;
        refine->opcode_cost_ticks[opcode] += bs_refine_cost(refine, i).ticks;
        counts[opcode]++;
    }
    for (int i = 0; i < BS_TABLE_ENTRIES; i++) {
        if (counts[i])
            refine->opcode_cost_ticks[i] /= (double)counts[i];
        else
            refine->opcode_cost_ticks[i] = refine->fit.common_ticks;
    }
}

/* All intervals of all trials, into @p ret; returns how many, 0 where they are of too few. */
static size_t list_all(const struct bs_refine *refine, double *means, struct bs_interval *ret) {
    size_t count = 0, trials = 0;
    for (size_t i = 0; i < refine->trial_count; i++) {
        size_t listed =
            bs_trial_intervals(&refine->trials[i], refine->limit, bs_refine_bare(refine),
                               refine->is_whole ? stretches(refine) : 0, means, ret + count);
        trials += listed > 0;
        count += listed;
    }
    return trials >= TRIALS_LEAST ? count : 0;
}

/* A stamp between long intervals, or else between the longest that there are. */
static double stamp_ticks(const struct bs_fit *fit) {
    size_t length = BS_FIT_STAMPS - 1;
    while (length && fit->stamp_ticks[length] == 0)
        length--;
    return fit->stamp_ticks[length];
}

/*
 * All stretches together take as long as the run without the probe, which has no stamps: what the
 * two ends have of one is too much. And a plan slows down dispatches without a stamp too, if
 * little: the stubs take room where branches are predicted. From intervals alone that cannot be
 * told from what the dispatches take. How much of the difference is theirs, and how much was seen
 * wrong at the two ends, where the clock is read, least squares tell. Where the reference is only a
 * beginning, only the first end is known, with half a stamp.
 */
static void match_bare(struct bs_refine *refine) {
    struct bs_fit *fit = &refine->fit;
    const double count = (double)refine->reference->count - 1;
    double ticks = -bs_refine_bare(refine);
    if (!refine->is_whole) {
        fit->cost_ticks[refine->groups[0]] += stamp_ticks(fit) / 2;
        return;
    }
    for (size_t i = 0; i < stretches(refine); i++)
        ticks += own_ticks(refine, i);
    if (fabs(ticks) > MATCH_MOST * (double)stretches(refine))
        return;
    const double slower =
        (ticks - stamp_ticks(fit)) * count / (count * count + ENDS_UNCERTAIN * ENDS_UNCERTAIN);
    for (size_t g = 0; g < refine->group_count; g++)
        fit->cost_ticks[g] += slower;
    fit->common_ticks += slower;
    const double rest = ticks - slower * (count + 2);
    fit->cost_ticks[refine->groups[0]] += rest / 2;
    fit->cost_ticks[refine->groups[refine->reference->count]] += rest / 2;
}

/* Between the first stamp and the last. */
static void charge_aftermath(struct bs_refine *refine) {
    const struct bs_reference *reference = refine->reference;
    const size_t count = reference->count - 1;
    double *ticks = malloc(reference->count * sizeof(*ticks));
    for (size_t i = 0; ticks && i < count; i++)
        ticks[i] = own_ticks(refine, i + 1);
    if (ticks && bs_aftermath_find(reference->dispatches, ticks, count, &refine->aftermath)) {
        bs_aftermath_charge(&refine->aftermath, reference->dispatches, ticks, count,
                            refine->charged_ticks);
        bs_aftermath_errors(&refine->aftermath, ticks, count, refine->charged_error_ticks);
    }
    free(ticks);
}

/* What all stretches take with every dispatch stamped. */
static bool know_full(struct bs_refine *refine) {
    const double bare = bs_refine_bare(refine);
    double ends[2] = {};
    if (!bs_reference_ticks(refine->reference, refine->limit, bare, refine->full_ticks + 1))
        return false;
    if (!bs_fastest_mean(&refine->ends, refine->limit, bare, ends))
        return false;
    refine->full_ticks[0] = ends[0];
    refine->full_ticks[refine->reference->count] = ends[1];
    return true;
}

bool bs_refine_solve(struct bs_refine *refine, double nop_ticks) {
    size_t count = 0;
    /* The last block has no end: what is known of its beginning must do. */
    end_block(refine, refine->before, refine->before);
    refine->limit = choose_limit(refine);
    for (size_t i = 0; i < refine->trial_count; i++)
        count += refine->trials[i].plan.stamp_count + 1;
    double *means = malloc((count + 1) * sizeof(*means));
    struct bs_interval *intervals = malloc((count + 1) * sizeof(*intervals));
    struct bs_fit_input input = {.intervals = intervals,
                                 .full_ticks = refine->full_ticks,
                                 .groups = refine->groups,
                                 .opcodes = refine->opcodes,
                                 .group_count = refine->group_count,
                                 .usual_ticks = nop_ticks};
    if (means && intervals && know_full(refine)) {
        input.interval_count = list_all(refine, means, intervals);
        refine->solved = bs_fit_solve(&input, &refine->fit);
    }
    if (refine->solved) {
        match_bare(refine);
        charge_aftermath(refine);
        average_opcodes(refine);
    }
    free(means);
    free(intervals);
    return refine->solved;
}

struct bs_cost bs_refine_cost(const struct bs_refine *refine, size_t index) {
    const struct bs_fit *fit = &refine->fit;
    const uint32_t group = refine->groups[index + 1];
    return (struct bs_cost){
        .ticks = fit->cost_ticks[group] - refine->charged_ticks[index],
        .error_ticks = hypot(fit->error_ticks[group], refine->charged_error_ticks[index]),
    };
}

struct bs_cost bs_refine_opcode_cost(const struct bs_refine *refine, uint8_t opcode) {
    return (struct bs_cost){.ticks = refine->opcode_cost_ticks[opcode],
                            .error_ticks = refine->fit.residual_ticks};
}
