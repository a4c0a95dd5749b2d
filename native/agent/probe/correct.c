#include "agent/probe/correct.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void add(struct bs_correction *into, double full, struct bs_cost cost) {
    into->full_ticks += full;
    into->cost_ticks += cost.ticks;
    into->error_ticks = hypot(into->error_ticks, cost.error_ticks);
}

/* The steps that lie wholly in the reference: the time of its last dispatch is not known. */
static void make_steps(struct bs_corrections *corrections, const struct bs_reference *reference,
                       const struct bs_refine *refine, const struct bs_stream *stream,
                       double common_ticks, const double *full_ticks, const uint32_t *step_of) {
    const size_t count = reference->count;
    const struct bs_cost common = {.ticks = common_ticks};
    corrections->step_count = step_of[count - 1];
    for (size_t i = 0; i < count && step_of[i] < corrections->step_count; i++) {
        struct bs_correction *step = &corrections->steps[step_of[i]];
        step->where = bs_stream_place(stream, reference->dispatches[i].value);
        add(step, full_ticks[i], refine->solved ? bs_refine_cost(refine, i) : common);
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
    *ret = (struct bs_corrections){.fastest_part = fastest_part};
    for (int i = 0; i < BS_TABLE_ENTRIES; i++) {
        struct bs_cost cost = {.ticks = common_ticks};
        if (refine->solved)
            cost = bs_refine_opcode_cost(refine, (uint8_t)i);
        ret->opcode_cost_ticks[i] = cost.ticks;
        ret->error_ticks = cost.error_ticks;
    }
    if (!count)
        return;
    uint32_t *step_of = malloc(count * sizeof(*step_of));
    double *full_ticks = malloc(count * sizeof(*full_ticks));
    ret->steps = calloc(count, sizeof(*ret->steps));
    ret->places = calloc(count, sizeof(*ret->places));
    if (step_of && full_ticks && ret->steps && ret->places &&
        bs_reference_ticks(reference, full_ticks)) {
        bs_stream_number(stream, reference->dispatches, count, step_of);
        make_steps(ret, reference, refine, stream, common_ticks, full_ticks, step_of);
        make_places(ret);
    }
    free(full_ticks);
    free(step_of);
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
