#include "agent/probe/correct.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ENOUGH 48 /* runs that make a mean of the reference, without refinement */

/*
 * The steps that lie in the reference, one for each dispatch; but for the last where its end is not
 * known.
 */
static void make_steps(struct bs_corrections *corrections, const struct bs_reference *reference,
                       const struct bs_refine *refine, const struct bs_stream *stream,
                       double common_ticks, const double *full_ticks) {
    corrections->step_count = reference->count - !(refine->solved && refine->is_whole);
    for (size_t i = 0; i < corrections->step_count; i++) {
        struct bs_cost cost = {.ticks = common_ticks};
        if (refine->solved)
            cost = bs_refine_cost(refine, i);
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
            mean.cost_ticks += places[end].cost_ticks;
            mean.error_ticks += places[end].error_ticks;
        }
        double same = (double)(end - i);
        mean.cost_ticks /= same;
        mean.error_ticks /= same;
        places[corrections->place_count++] = mean;
    }
}

/*
 * What is in the reference was timed while refining, all else in the repeats: at other moments,
 * with other costs. They are shifted so that the mean is that of the repeats.
 */
static double shift_of(const struct bs_reference *reference, const struct bs_refine *refine,
                       double common_ticks) {
    double sum = 0;
    if (!refine->solved || common_ticks <= 0)
        return 0;
    for (size_t i = 0; i + 1 < reference->count; i++)
        sum += bs_refine_cost(refine, i).ticks;
    return common_ticks - sum / (double)(reference->count - 1);
}

static void make_opcodes(struct bs_corrections *corrections, const struct bs_refine *refine,
                         double common_ticks) {
    for (int i = 0; i < BS_TABLE_ENTRIES; i++) {
        struct bs_cost cost = {.ticks = common_ticks};
        if (refine->solved)
            cost = bs_refine_opcode_cost(refine, (uint8_t)i);
        corrections->opcode_cost_ticks[i] = cost.ticks;
        corrections->error_ticks = cost.error_ticks;
    }
}

void bs_corrections_make(struct bs_corrections *ret, const struct bs_reference *reference,
                         const struct bs_refine *refine, const struct bs_stream *stream,
                         const struct bs_repeated *repeated) {
    const size_t count = reference->count;
    const int limit = refine->solved ? refine->limit : bs_fastest_limit(&reference->times, ENOUGH);
    *ret = (struct bs_corrections){
        .entry_ticks = fmax(refine->solved ? bs_refine_entry(refine) : repeated->entry_ticks, 0),
        .fastest_part = repeated->fastest_part,
        .fast_part = repeated->fast_part,
        .shift_ticks = shift_of(reference, refine, repeated->cost_ticks),
    };
    make_opcodes(ret, refine, repeated->cost_ticks);
    if (!count)
        return;
    double *room = malloc(count * sizeof(*room));
    const double *full_ticks = refine->solved ? refine->full_ticks + 1 : room;
    ret->steps = calloc(count, sizeof(*ret->steps));
    ret->places = calloc(count, sizeof(*ret->places));
    if (room && ret->steps && ret->places &&
        (refine->solved || bs_reference_ticks(reference, limit, 0, room))) {
        make_steps(ret, reference, refine, stream, repeated->full_cost_ticks, full_ticks);
        make_places(ret);
    }
    free(room);
}

void bs_corrections_deinit(struct bs_corrections *corrections) {
    free(corrections->steps);
    free(corrections->places);
    *corrections = (struct bs_corrections){};
}

/* What the engine found out is finer than a step of the clock, of which a median is a multiple. */
static void keep_order(struct step *step) {
    if (step->median_ticks < step->min_ticks)
        step->median_ticks = step->min_ticks;
    if (step->mean_ticks < step->min_ticks)
        step->mean_ticks = step->min_ticks;
}

/* What passes before the first dispatch is that one's. */
static double entry_of(const struct bs_corrections *corrections, size_t index) {
    return index ? 0 : corrections->entry_ticks;
}

void bs_correct(const struct bs_corrections *corrections, size_t index, struct step *step) {
    const struct bs_correction wanted = {.where = step->where}, *found;
    if (index < corrections->step_count && corrections->steps[index].where == step->where) {
        found = &corrections->steps[index];
        step->min_ticks = found->full_ticks + entry_of(corrections, index);
        const double beyond = step->min_ticks - step->mean_ticks * corrections->fast_part;
        step->median_ticks += beyond;
        step->mean_ticks += beyond;
        keep_order(step);
        step->cost_ticks = found->cost_ticks;
        step->error_ticks = found->error_ticks;
        return;
    }
    found = corrections->place_count
                ? bsearch(&wanted, corrections->places, corrections->place_count, sizeof(wanted),
                          compare_places)
                : NULL;
    step->min_ticks = step->mean_ticks * corrections->fastest_part + entry_of(corrections, index);
    keep_order(step);
    step->cost_ticks = corrections->shift_ticks +
                       (found ? found->cost_ticks : corrections->opcode_cost_ticks[step->opcode]);
    step->error_ticks = found ? found->error_ticks : corrections->error_ticks;
}
