#include "agent/probe/plan.h"

#include "agent/random.h"

#include <stdlib.h>

#define STAMPS_LEAST 2   /* that part a whole run in three, and another one once */
#define TIGHT_PART   0.9 /* of all dispatches, by as few instructions: a tight loop */

static int compare_values(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static int compare_counts(const void *a, const void *b) {
    return -compare_values(a, b);
}

bool bs_plan_is_tight(const struct bs_reference *reference) {
    const size_t count = reference->count;
    uint64_t *values = malloc((count + 1) * sizeof(*values));
    size_t distinct = 0, most = 0;
    if (!values)
        return false;
    for (size_t i = 0; i < count; i++)
        values[i] = reference->dispatches[i].value;
    qsort(values, count, sizeof(*values), compare_values);
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i; end < count && values[end] == values[i]; end++)
            ;
        values[distinct++] = end - i; /* not read any more */
    }
    qsort(values, distinct, sizeof(*values), compare_counts);
    for (size_t i = 0; i < distinct && i < 2 * BS_PLAN_SPACING; i++)
        most += values[i];
    free(values);
    return most > TIGHT_PART * (double)count;
}

/* A number from 0 to 1 that depends on the instruction and @p salt alone. */
static double part_of(struct bs_dispatch dispatch, uint64_t salt) {
    uint64_t state = (dispatch.value ^ salt) | 1;
    bs_random(&state);
    return bs_random_part(&state);
}

/* Pick opcodes until they have at least @p wanted dispatches; returns how many they have. */
static size_t pick_opcodes(const size_t dispatches[BS_TABLE_ENTRIES], size_t wanted,
                           uint64_t *random, bool ret_picked[BS_TABLE_ENTRIES]) {
    uint8_t present[BS_TABLE_ENTRIES];
    size_t count = 0, picked = 0;
    for (int i = 0; i < BS_TABLE_ENTRIES; i++) {
        if (dispatches[i])
            present[count++] = (uint8_t)i;
    }
    while (picked < wanted && count) {
        size_t at = bs_random(random) % count;
        ret_picked[present[at]] = true;
        picked += dispatches[present[at]];
        present[at] = present[--count];
    }
    return picked;
}

static void add_visits(const struct bs_reference *reference, double part, uint64_t salt,
                       struct bs_plan *plan) {
    for (size_t i = 0; i < reference->count; i++) {
        struct bs_dispatch dispatch = reference->dispatches[i];
        if (!plan->patched[dispatch.opcode])
            continue;
        bool stamped = part_of(dispatch, salt) < part;
        plan->visits[plan->visit_count] = (uint32_t)i;
        plan->stamped[plan->visit_count++] = stamped;
        plan->stamp_count += stamped;
    }
}

bool bs_plan_make(const struct bs_reference *reference, bool tight, uint64_t *random,
                  struct bs_plan *ret) {
    struct bs_plan plan = {};
    size_t dispatches[BS_TABLE_ENTRIES] = {};
    for (size_t i = 0; i < reference->count; i++)
        dispatches[reference->dispatches[i].opcode]++;
    const bool dense = bs_random(random) & 1 << 20 && tight;
    size_t wanted = (size_t)((double)reference->count / (dense ? BS_PLAN_DENSE : BS_PLAN_SPACING));
    wanted = wanted < STAMPS_LEAST ? STAMPS_LEAST : wanted;
    size_t picked = pick_opcodes(dispatches, wanted, random, plan.patched);
    plan.visits = malloc((picked + 1) * sizeof(*plan.visits));
    plan.stamped = malloc((picked + 1) * sizeof(*plan.stamped));
    if (!plan.visits || !plan.stamped) {
        bs_plan_deinit(&plan);
        return false;
    }
    add_visits(reference, picked ? (double)wanted / (double)picked : 0, bs_random(random), &plan);
    *ret = plan;
    return true;
}

void bs_plan_deinit(struct bs_plan *plan) {
    free(plan->visits);
    free(plan->stamped);
    *plan = (struct bs_plan){};
}
