#include "agent/probe/refine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DISPATCHES_LEAST 8  /* fewer cannot be told apart by intervals */
#define TRIALS           64 /* plans */
#define ROUNDS_MAX       10000
/* In each round a turn without the probe and a full one come before each so many trials. */
#define TRIALS_BETWEEN 16
#define STRIDE         (TRIALS_BETWEEN + 2)
#define ENOUGH         12 /* runs of one trial for a mean */
/* Runs of one plan in a row: those that teach, and those that count. */
#define TURNS_IDLE 5
#define TURNS      11
/* A run of so many dispatches teaches itself as it goes, and there is no time for many. */
#define LONG_RUN 10000

#define SETTLED_PART 0.9

/* A trial that is this much slower than the best quarter, by the fit, was never undisturbed. */
#define EXCLUDE_PART 0.05

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

/* Dispatches of one instruction after the same other one cost alike: one group. */
static bool make_groups(struct bs_refine *refine) {
    const struct bs_reference *reference = refine->reference;
    struct key *keys = malloc(reference->count * sizeof(*keys));
    refine->groups = malloc(reference->count * sizeof(*refine->groups));
    if (!keys || !refine->groups) {
        free(keys);
        return false;
    }
    for (size_t i = 0; i < reference->count; i++)
        keys[i] = (struct key){.before = i ? reference->dispatches[i - 1].value : 0,
                               .value = reference->dispatches[i].value,
                               .index = (uint32_t)i};
    qsort(keys, reference->count, sizeof(*keys), compare_keys);
    for (size_t i = 0; i < reference->count; i++) {
        refine->group_count += !i || compare_keys(&keys[i - 1], &keys[i]);
        refine->groups[keys[i].index] = (uint32_t)refine->group_count - 1;
    }
    free(keys);
    return true;
}

static bool make_trials(struct bs_refine *refine) {
    uint64_t random = 0x9e3779b97f4a7c15ull;
    refine->trials = calloc(TRIALS, sizeof(*refine->trials));
    while (refine->trials && refine->trial_count < TRIALS) {
        struct bs_trial *trial = &refine->trials[refine->trial_count];
        if (!bs_plan_make(refine->reference, &random, &trial->plan))
            return false;
        refine->trial_count++;
        if (!bs_fastest_init(&trial->times, trial->plan.stamp_count, ENOUGH))
            return false;
    }
    return refine->trials != NULL;
}

bool bs_refine_init(struct bs_refine *refine, struct bs_reference *reference, uint64_t dispatches,
                    double step_ticks) {
    bool is_long = dispatches >= LONG_RUN;
    *refine = (struct bs_refine){.reference = reference,
                                 .step_ticks = step_ticks,
                                 .turns_idle = is_long ? 0 : TURNS_IDLE,
                                 .turns = is_long ? 1 : TURNS_IDLE + TURNS};
    refine->full_ticks = malloc((reference->count + 1) * sizeof(*refine->full_ticks));
    if (reference->count >= DISPATCHES_LEAST && refine->full_ticks &&
        bs_fastest_init(&refine->bare, 1, BS_REFERENCE_ENOUGH) && make_groups(refine) &&
        make_trials(refine)) {
        /* Times of the repeats are older than those of the trials will be. */
        bs_fastest_reset(&reference->times);
        return true;
    }
    bs_refine_deinit(refine);
    return false;
}

void bs_refine_deinit(struct bs_refine *refine) {
    for (size_t i = 0; i < refine->trial_count; i++) {
        bs_plan_deinit(&refine->trials[i].plan);
        bs_fastest_deinit(&refine->trials[i].times);
    }
    bs_fastest_deinit(&refine->bare);
    bs_fit_deinit(&refine->fit);
    free(refine->trials);
    free(refine->groups);
    free(refine->full_ticks);
    *refine = (struct bs_refine){};
}

static enum bs_run_kind kind_now(const struct bs_refine *refine) {
    switch (refine->current % STRIDE) {
    case 0:
        return BS_RUN_BARE;
    case 1:
        return BS_RUN_FULL;
    default:
        return BS_RUN_TRIAL;
    }
}

enum bs_run_kind bs_refine_next(struct bs_refine *refine, bool *ret_new) {
    if (refine->turn == refine->turns) {
        refine->turn = 0;
        refine->current++;
    }
    if (refine->current == TRIALS / TRIALS_BETWEEN * STRIDE) {
        refine->current = 0;
        refine->round++;
    }
    *ret_new = !refine->turn;
    return refine->round == ROUNDS_MAX ? BS_RUN_NONE : kind_now(refine);
}

static size_t trial_now(const struct bs_refine *refine) {
    return refine->current / STRIDE * TRIALS_BETWEEN + refine->current % STRIDE - 2;
}

const struct bs_plan *bs_refine_plan(const struct bs_refine *refine) {
    return &refine->trials[trial_now(refine)].plan;
}

static bool is_on_path(const struct bs_refine *refine, const struct bs_plan *plan,
                       const struct bs_record *records, size_t count) {
    if (count != plan->visit_count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (records[i].value != refine->reference->dispatches[plan->visits[i]].value)
            return false;
    }
    return true;
}

static void take_trial(struct bs_refine *refine, const struct bs_record *records, size_t count) {
    struct bs_trial *trial = &refine->trials[trial_now(refine)];
    const struct bs_plan *plan = &trial->plan;
    const struct bs_record *first = NULL, *last = NULL;
    if (!is_on_path(refine, plan, records, count))
        return;
    for (size_t i = 0; i < count; i++) {
        if (plan->stamped[i]) {
            first = first ? first : &records[i];
            last = &records[i];
        }
    }
    double *sums = !first ? NULL
                          : bs_fastest_add(&trial->times, bs_stamp_ticks(last->stamp, first->stamp),
                                           refine->step_ticks);
    if (!sums)
        return;
    for (const struct bs_record *record = first + 1; record <= last; record++) {
        if (plan->stamped[record - records]) {
            *sums++ += (double)bs_stamp_ticks(record->stamp, first->stamp);
            first = record;
        }
    }
}

void bs_refine_take(struct bs_refine *refine, struct bs_record *records, size_t count,
                    uint64_t ticks) {
    if (refine->turn++ < refine->turns_idle)
        return;
    if (kind_now(refine) == BS_RUN_TRIAL) {
        take_trial(refine, records, count);
    } else if (kind_now(refine) == BS_RUN_FULL) {
        bs_reference_take(refine->reference, records, count, refine->step_ticks);
    } else {
        double *sum = bs_fastest_add(&refine->bare, ticks, refine->step_ticks);
        if (sum)
            *sum += (double)ticks;
    }
}

bool bs_refine_settled(const struct bs_refine *refine) {
    size_t settled = 0;
    for (size_t i = 0; i < refine->trial_count; i++)
        settled += bs_fastest_settled(&refine->trials[i].times);
    return settled >= SETTLED_PART * (double)refine->trial_count &&
           bs_fastest_settled(&refine->bare) && bs_fastest_settled(&refine->reference->times);
}

double bs_refine_bare(const struct bs_refine *refine) {
    double mean = 0;
    if (refine->bare.sums)
        bs_fastest_mean(&refine->bare, &mean);
    return mean;
}

/* The intervals of @p trial, means over its fastest runs; returns how many. */
static size_t list_intervals(const struct bs_trial *trial, double *means, struct bs_interval *ret) {
    const struct bs_plan *plan = &trial->plan;
    size_t count = 0;
    struct bs_interval open = {};
    bool begun = false;
    if (!bs_fastest_mean(&trial->times, means))
        return 0;
    for (size_t i = 0; i < plan->visit_count; i++) {
        if (!plan->stamped[i]) {
            open.passes++;
            continue;
        }
        open.end = plan->visits[i];
        if (begun) {
            open.ticks = means[count];
            ret[count++] = open;
        }
        begun = true;
        open = (struct bs_interval){.first = plan->visits[i]};
    }
    return count;
}

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A fit in the making: the intervals of all trials, one after the other. */
struct material {
    struct bs_fit_input input;
    struct bs_interval *intervals;
    double *means;
    struct bs_interval *of_trial[TRIALS + 1]; /* and where the last ends */
};

/* How long all intervals of trial @p index are, as a part of what the fit says they should be. */
static double slowness(const struct bs_refine *refine, const struct material *material,
                       size_t index) {
    double ticks = 0, expected = 0;
    for (const struct bs_interval *w = material->of_trial[index]; w < material->of_trial[index + 1];
         w++) {
        ticks += w->ticks;
        expected += bs_fit_expected(&material->input, &refine->fit, w);
    }
    return expected > 0 ? ticks / expected : 0;
}

/* Leave out trials that were disturbed all the time. Returns whether there are any. */
static bool exclude_slow(struct bs_refine *refine, const struct material *material) {
    double each[TRIALS], sorted[TRIALS];
    size_t used = 0;
    bool found = false;
    for (size_t i = 0; i < refine->trial_count; i++) {
        each[i] = slowness(refine, material, i);
        if (each[i] > 0)
            sorted[used++] = each[i];
    }
    qsort(sorted, used, sizeof(*sorted), compare_doubles);
    for (size_t i = 0; i < refine->trial_count; i++) {
        struct bs_trial *trial = &refine->trials[i];
        trial->excluded = each[i] > sorted[used / 4] * (1 + EXCLUDE_PART);
        found = found || trial->excluded;
    }
    return found;
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

static bool fit(struct bs_refine *refine, struct material *material) {
    struct bs_interval *end = material->intervals;
    struct bs_fit fit;
    for (size_t i = 0; i < refine->trial_count; i++) {
        const struct bs_trial *trial = &refine->trials[i];
        material->of_trial[i] = end;
        end += trial->excluded ? 0 : list_intervals(trial, material->means, end);
    }
    material->of_trial[refine->trial_count] = end;
    material->input.interval_count = (size_t)(end - material->intervals);
    if (!bs_fit_solve(&material->input, &fit))
        return false;
    bs_fit_deinit(&refine->fit);
    refine->fit = fit;
    return true;
}

bool bs_refine_solve(struct bs_refine *refine) {
    size_t stamps = 0;
    for (size_t i = 0; i < refine->trial_count; i++)
        stamps += refine->trials[i].plan.stamp_count;
    struct material material = {
        .intervals = malloc((stamps + 1) * sizeof(*material.intervals)),
        .means = malloc((stamps + 1) * sizeof(*material.means)),
    };
    material.input = (struct bs_fit_input){.intervals = material.intervals,
                                           .full_ticks = refine->full_ticks,
                                           .groups = refine->groups,
                                           .dispatch_count = refine->reference->count,
                                           .group_count = refine->group_count};
    if (material.intervals && material.means &&
        bs_reference_ticks(refine->reference, refine->full_ticks) && fit(refine, &material)) {
        refine->solved = !exclude_slow(refine, &material) || fit(refine, &material);
        average_opcodes(refine);
    }
    free(material.intervals);
    free(material.means);
    return refine->solved;
}

struct bs_cost bs_refine_cost(const struct bs_refine *refine, size_t index) {
    uint32_t group = refine->groups[index];
    return (struct bs_cost){.ticks = refine->fit.cost_ticks[group],
                            .error_ticks = refine->fit.error_ticks[group]};
}

struct bs_cost bs_refine_opcode_cost(const struct bs_refine *refine, uint8_t opcode) {
    return (struct bs_cost){.ticks = refine->opcode_cost_ticks[opcode],
                            .error_ticks = refine->fit.residual_ticks};
}
