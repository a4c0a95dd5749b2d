#include "agent/probe/trial.h"

bool bs_trial_init(struct bs_trial *trial, const struct bs_reference *reference, bool tight,
                   uint64_t *random) {
    return bs_plan_make(reference, tight, random, &trial->plan) &&
           bs_fastest_init(&trial->times, trial->plan.stamp_count + 1);
}

void bs_trial_deinit(struct bs_trial *trial) {
    bs_plan_deinit(&trial->plan);
    bs_fastest_deinit(&trial->times);
}

static bool is_on_path(const struct bs_reference *reference, const struct bs_plan *plan,
                       const struct bs_record *records, size_t count) {
    if (count != plan->visit_count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (records[i].value != reference->dispatches[plan->visits[i]].value)
            return false;
    }
    return true;
}

void bs_trial_take(struct bs_trial *trial, const struct bs_reference *reference,
                   const struct bs_record *records, size_t count, uint64_t start_ticks,
                   uint64_t end_ticks) {
    const struct bs_plan *plan = &trial->plan;
    uint64_t from = start_ticks;
    if (!is_on_path(reference, plan, records, count))
        return;
    double *sums = bs_fastest_add(&trial->times);
    for (size_t i = 0; i < count; i++) {
        if (!plan->stamped[i])
            continue;
        *sums++ += (double)bs_stamp_ticks(records[i].stamp, from);
        from = records[i].stamp;
    }
    *sums += (double)bs_stamp_ticks(end_ticks, from);
}

size_t bs_trial_intervals(const struct bs_trial *trial, int limit, double measure_ticks,
                          size_t stretches, double *means, struct bs_interval *ret) {
    const struct bs_plan *plan = &trial->plan;
    size_t count = 0;
    struct bs_interval next = {.open = true};
    if (!bs_fastest_mean(&trial->times, limit, measure_ticks, means))
        return 0;
    for (size_t i = 0; i < plan->visit_count; i++) {
        if (!plan->stamped[i]) {
            next.passes++;
            continue;
        }
        next.end = plan->visits[i] + 1;
        next.ticks = *means++;
        ret[count++] = next;
        next = (struct bs_interval){.first = next.end};
    }
    next.end = (uint32_t)stretches;
    next.open = true;
    next.ticks = *means;
    if (stretches)
        ret[count++] = next;
    return count;
}
