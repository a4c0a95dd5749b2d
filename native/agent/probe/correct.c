#include "agent/probe/correct.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COST_MOST 2.5 /* of one dispatch, times the common cost */
/* A fit whose mean is so far from the common cost is scaled to it. */
#define DOUBT_PART 0.25

/*
 * A fit of a few disturbed runs may be far off. What whole runs say of the mean cost is coarse, but
 * it is no worse for long runs, which are few.
 */
static double trust(const struct bs_refine *refine, size_t count, double common_ticks) {
    double sum = 0;
    if (!refine->solved || common_ticks <= 0)
        return 1;
    for (size_t i = 0; i < count; i++)
        sum += bs_refine_cost(refine, i).ticks;
    double part = sum / (double)count / common_ticks;
    return part > 1 - DOUBT_PART && part < 1 + DOUBT_PART ? 1 : part > 0 ? 1 / part : 0;
}

static struct bs_cost bounded(struct bs_cost cost, double factor, double common_ticks) {
    if (factor <= 0)
        return (struct bs_cost){common_ticks, common_ticks};
    cost.ticks *= factor;
    if (common_ticks > 0) {
        cost.ticks = fmax(0, fmin(cost.ticks, COST_MOST * common_ticks));
        cost.error_ticks = fmin(cost.error_ticks, common_ticks);
    }
    return cost;
}

/* The steps that lie in the reference, one for each dispatch but the last, whose end is not. */
static void make_steps(struct bs_corrections *corrections, const struct bs_reference *reference,
                       const struct bs_refine *refine, const struct bs_stream *stream,
                       double factor, double common_ticks, const double *full_ticks) {
    corrections->step_count = reference->count - 1;
    for (size_t i = 0; i < corrections->step_count; i++) {
        struct bs_cost cost = {.ticks = common_ticks};
        if (refine->solved)
            cost = bounded(bs_refine_cost(refine, i), factor, common_ticks);
        corrections->steps[i] = (struct bs_correction){
            .where = bs_stream_place(stream, reference->dispatches[i].value),
            .full_ticks = full_ticks[i],
            .cost_ticks = cost.ticks,
            .error_ticks = cost.error_ticks,
        };
    }
}

static int compare_places(const void *a, const void *b) {
    const struct bs_correction *x = a, *y = b;
    return (x->where > y->where) - (x->where < y->where);
}

/* From the steps: the mean of each place. */
static void make_places(struct bs_corrections *corrections) {
    struct bs_correction *places = corrections->places;
    const size_t count = corrections->step_count;
    memcpy(places, corrections->steps, count * sizeof(*places));
    qsort(places, count, sizeof(*places), compare_places);
    for (size_t i = 0, end; i < count; i = end) {
        struct bs_correction mean = {.where = places[i].where};
        for (end = i; end < count && places[end].where == mean.where; end++) {
            mean.full_ticks += places[end].full_ticks;
            mean.cost_ticks += places[end].cost_ticks;
            mean.error_ticks += places[end].error_ticks;
        }
        double same = (double)(end - i);
        mean.full_ticks /= same;
        mean.cost_ticks /= same;
        mean.error_ticks /= same;
        places[corrections->place_count++] = mean;
    }
}

void bs_corrections_make(struct bs_corrections *ret, const struct bs_reference *reference,
                         const struct bs_refine *refine, const struct bs_stream *stream,
                         double common_ticks, double fastest_part) {
    const size_t count = reference->count;
    const double factor = trust(refine, count, common_ticks);
    *ret = (struct bs_corrections){.fastest_part = fastest_part};
    for (int i = 0; i < BS_TABLE_ENTRIES; i++) {
        struct bs_cost cost = {.ticks = common_ticks};
        if (refine->solved)
            cost = bounded(bs_refine_opcode_cost(refine, (uint8_t)i), factor, common_ticks);
        ret->opcode_cost_ticks[i] = cost.ticks;
        ret->error_ticks = cost.error_ticks;
    }
    if (!count)
        return;
    double *full_ticks = malloc(count * sizeof(*full_ticks));
    ret->steps = calloc(count, sizeof(*ret->steps));
    ret->places = calloc(count, sizeof(*ret->places));
    if (full_ticks && ret->steps && ret->places && bs_reference_ticks(reference, full_ticks)) {
        make_steps(ret, reference, refine, stream, factor, common_ticks, full_ticks);
        make_places(ret);
    }
    free(full_ticks);
}

void bs_corrections_deinit(struct bs_corrections *corrections) {
    free(corrections->steps);
    free(corrections->places);
    *corrections = (struct bs_corrections){};
}

static void put(const struct bs_correction *correction, struct step *step) {
    step->cost_ticks = correction->cost_ticks;
    step->error_ticks = correction->error_ticks;
}

void bs_correct(const struct bs_corrections *corrections, size_t index, struct step *step) {
    const struct bs_correction wanted = {.where = step->where}, *found;
    if (index < corrections->step_count && corrections->steps[index].where == step->where) {
        put(&corrections->steps[index], step);
        step->min_ticks = corrections->steps[index].full_ticks;
        return;
    }
    step->min_ticks = step->mean_ticks * corrections->fastest_part;
    found = corrections->place_count
                ? bsearch(&wanted, corrections->places, corrections->place_count, sizeof(wanted),
                          compare_places)
                : NULL;
    if (found) {
        put(found, step);
        return;
    }
    step->cost_ticks = corrections->opcode_cost_ticks[step->opcode];
    step->error_ticks = corrections->error_ticks;
}
