#include "core/merge.h"

#include "core/cleanup.h"
#include "core/match.h"

#include <string.h>

static struct bs_place place_of_step(const struct bs_step *step) {
    return (struct bs_place){step->code, step->offset_units};
}

/* The steps before the boundary, in order. */
static struct bs_error *match_steps(const struct bs_trace *trace,
                                    const struct bs_numbering *numbering, struct bs_merge *merge) {
    _cleanup_free_ struct bs_place *places = calloc(merge->ordered_steps + 1, sizeof(*places));
    if (!places)
        return &bs_enomem;
    for (size_t i = 0; i < merge->ordered_steps; i++)
        places[i] = place_of_step(&trace->steps[i]);
    struct bs_error *err =
        bs_match(numbering, places, merge->ordered_steps, merge->ordered_events, merge->first_step);
    if (!err)
        merge->ordered_end = merge->first_step[merge->ordered_events];
    return err;
}

/* The events from the boundary on get the step of their instruction. */
static struct bs_error *look_up(const struct bs_trace *trace, const struct bs_numbering *numbering,
                                struct bs_merge *merge) {
    size_t bytes = (numbering->count + 1) * sizeof(uint32_t);
    _cleanup_free_ uint32_t *table = malloc(bytes);
    if (!table)
        return &bs_enomem;
    memset(table, 0xff, bytes);
    for (size_t i = merge->ordered_steps; i < trace->step_count; i++) {
        struct bs_place place = place_of_step(&trace->steps[i]);
        uint32_t id = bs_place_id(numbering, place);
        if (table[id] == UINT32_MAX && !bs_place_is_prefix(numbering, place))
            table[id] = (uint32_t)i;
    }
    for (size_t i = merge->ordered_events; i < trace->event_count; i++) {
        const struct bs_event *event = &trace->events[i];
        merge->first_step[i] =
            event->kind == BS_EVENT_OPCODE
                ? table[bs_place_id(numbering, (struct bs_place){event->code, event->offset_units})]
                : UINT32_MAX;
    }
    return NULL;
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Where ordered steps end and those per instruction begin. */
static void set_boundary(const struct bs_trace *trace, struct bs_merge *merge) {
    merge->ordered_events = trace->event_count;
    merge->ordered_steps = trace->step_count;
    if (trace->header->flags & BS_IMAGE_PER_INSTRUCTION) {
        merge->ordered_events = merge->ordered_steps = 0;
    } else if (trace->header->flags & BS_IMAGE_DIVERGED) {
        merge->ordered_events = smaller(trace->event_count, trace->header->diverged_event);
        merge->ordered_steps = smaller(trace->step_count, trace->header->diverged_step);
    }
}

struct bs_error *bs_merge_init(struct bs_trace *trace) {
    struct bs_merge *merge = &trace->merge;
    struct bs_numbering numbering;
    if (!trace->step_count)
        return NULL;
    set_boundary(trace, merge);
    merge->first_step = malloc((trace->event_count + 1) * sizeof(*merge->first_step));
    if (!merge->first_step)
        return &bs_enomem;
    struct bs_error *err = bs_numbering_init(trace, &numbering);
    if (!err)
        err = match_steps(trace, &numbering, merge);
    if (!err)
        err = look_up(trace, &numbering, merge);
    bs_numbering_deinit(&numbering);
    return err;
}

void bs_merge_deinit(struct bs_merge *merge) {
    free(merge->first_step);
    *merge = (struct bs_merge){0};
}
