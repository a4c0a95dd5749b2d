#include "agent/probe/reference.h"

#include "agent/block.h"

/* One run in so many may stray without the reference being cut. */
#define STRAYS_ONE_IN 8

bool bs_reference_init(struct bs_reference *reference, const bool *again) {
    *reference = (struct bs_reference){
        .again = again,
        .dispatches = bs_block_create(BS_REFERENCE_MAX, sizeof(*reference->dispatches)),
    };
    return reference->dispatches != NULL;
}

void bs_reference_deinit(struct bs_reference *reference) {
    bs_block_destroy(reference->dispatches);
    bs_fastest_deinit(&reference->times);
    *reference = (struct bs_reference){};
}

void bs_reference_reset(struct bs_reference *reference) {
    reference->count = 0;
    reference->seen = reference->strayed = 0;
    reference->frozen = reference->is_whole = false;
    bs_fastest_deinit(&reference->times);
}

/* Put dispatches of one execution together; returns how many records are left. */
static size_t merge_again(const bool *again, struct bs_record *records, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept && records[kept - 1].value == records[i].value &&
            again[records[kept - 1].opcode]) {
            records[kept - 1].opcode = records[i].opcode;
            continue;
        }
        records[kept].value = records[i].value;
        records[kept].opcode = records[i].opcode;
        records[kept++].stamp = records[i].stamp;
    }
    return kept;
}

/* How many of @p records are where the reference says. */
static size_t count_matching(const struct bs_reference *reference, const struct bs_record *records,
                             size_t count) {
    size_t i = 0;
    while (i < count && i < reference->count && records[i].value == reference->dispatches[i].value)
        i++;
    return i;
}

/* Make it end at @p count: what is known of runs until now does not hold for shorter ones. */
static void cut(struct bs_reference *reference, size_t count) {
    bs_fastest_deinit(&reference->times);
    reference->seen = reference->strayed = 0;
    reference->count = count;
    if (count < 2 || !bs_fastest_init(&reference->times, count - 1))
        reference->count = 0;
}

static void set_path(struct bs_reference *reference, const struct bs_record *records,
                     size_t count) {
    cut(reference, count < BS_REFERENCE_MAX ? count : BS_REFERENCE_MAX);
    for (size_t i = 0; i < reference->count; i++)
        reference->dispatches[i].value = records[i].value;
}

static uint64_t add_times(struct bs_reference *reference, const struct bs_record *records) {
    const size_t last = reference->count - 1;
    double *sums = bs_fastest_add(&reference->times);
    for (size_t i = 0; i < last; i++)
        sums[i] += (double)bs_stamp_ticks(records[i + 1].stamp, records[i].stamp);
    for (size_t i = 0; i <= last; i++)
        reference->dispatches[i].opcode = records[i].opcode;
    return bs_stamp_ticks(records[last].stamp, records[0].stamp);
}

/*
 * Once too many have strayed. Not to where this one did, which may have been early by chance: to
 * half at most, and further when that does not help.
 */
static void cut_where_runs_stray(struct bs_reference *reference, size_t matching) {
    size_t half = reference->count / 2;
    cut(reference, matching > half ? matching : half);
}

static void count_stray(struct bs_reference *reference, size_t matching) {
    reference->strayed++;
    if (reference->strayed > 1 && reference->strayed > reference->seen / STRAYS_ONE_IN)
        cut_where_runs_stray(reference, matching);
}

uint64_t bs_reference_take(struct bs_reference *reference, struct bs_record *records,
                           size_t count) {
    if (reference->again)
        count = merge_again(reference->again, records, count);
    if (!reference->count && !reference->seen)
        set_path(reference, records, count);
    reference->seen++;
    size_t matching = count_matching(reference, records, count);
    if (matching == reference->count && matching) {
        reference->is_whole = count == reference->count;
        return add_times(reference, records);
    }
    if (matching < reference->count && !reference->frozen)
        count_stray(reference, matching);
    return 0;
}

bool bs_reference_ticks(const struct bs_reference *reference, int limit, double measure_ticks,
                        double *ret_ticks) {
    if (!reference->count || !bs_fastest_mean(&reference->times, limit, measure_ticks, ret_ticks))
        return false;
    ret_ticks[reference->count - 1] = 0;
    return true;
}
