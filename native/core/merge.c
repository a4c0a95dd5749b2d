#include "core/merge.h"

#include "core/cleanup.h"
#include "core/opcodes.h"

#include <string.h>

/* How far a mismatch is looked into on both sides at once, and along one side alone. */
#define NEAR_STEPS 48
#define FAR_STEPS  (1 << 16)

/* Comparisons that may be spent on mismatches, for each event and step: garbage stays linear. */
#define BUDGET_PER_RECORD 64
#define BUDGET_BASE       (1 << 20)

/* One number for each instruction of the trace; an EXTENDED_ARG has that of what it extends. */
struct numbering {
    const struct bs_trace *trace;
    uint32_t *code_base; /* number of the first instruction of each code */
    uint32_t count;
    const struct bs_opcodes *opcodes; /* NULL when there is no code */
};

struct matcher {
    uint32_t *event_ids, *event_indexes; /* of the opcode events before the boundary */
    uint32_t *step_ids;
    size_t event_count, step_count;
    size_t event, step;
    size_t budget;
};

static struct bs_error *numbering_init(const struct bs_trace *trace, struct numbering *numbering) {
    *numbering =
        (struct numbering){.trace = trace, .opcodes = bs_opcodes_find(trace->header->python)};
    numbering->code_base = calloc(trace->code_count + 1, sizeof(*numbering->code_base));
    if (!numbering->code_base)
        return &bs_enomem;
    for (size_t i = 0; i < trace->code_count; i++) {
        numbering->code_base[i] = numbering->count;
        numbering->count += (uint32_t)trace->codes[i].instructions.count;
    }
    return NULL;
}

static bool extends(const struct numbering *numbering, const struct bs_instruction *instruction) {
    return numbering->opcodes->opcodes[instruction->opcode].argument == BS_ARGUMENT_EXTEND;
}

static uint32_t instruction_id(const struct numbering *numbering, uint32_t code, uint32_t units) {
    const struct bs_instructions *instructions = &numbering->trace->codes[code].instructions;
    uint32_t i = instructions->by_unit[units];
    while (i + 1 < instructions->count && extends(numbering, &instructions->items[i]))
        i++;
    return numbering->code_base[code] + i;
}

/* Whether the step is a prefix of the instruction whose number it has. */
static bool is_prefix(const struct bs_trace *trace, const struct numbering *numbering,
                      const struct bs_step *step) {
    return instruction_id(numbering, step->code, step->offset_units) -
               numbering->code_base[step->code] !=
           trace->codes[step->code].instructions.by_unit[step->offset_units];
}

static void matcher_deinit(struct matcher *matcher) {
    free(matcher->event_ids);
    free(matcher->event_indexes);
    free(matcher->step_ids);
}

static struct bs_error *matcher_init(const struct bs_trace *trace,
                                     const struct numbering *numbering, struct matcher *ret) {
    size_t events = trace->merge.ordered_events, steps = trace->merge.ordered_steps;
    *ret = (struct matcher){
        .event_ids = calloc(events + 1, sizeof(uint32_t)),
        .event_indexes = calloc(events + 1, sizeof(uint32_t)),
        .step_ids = calloc(steps + 1, sizeof(uint32_t)),
        .step_count = steps,
        .budget = BUDGET_BASE + BUDGET_PER_RECORD * (events + steps),
    };
    if (!ret->event_ids || !ret->event_indexes || !ret->step_ids)
        return &bs_enomem;
    for (size_t i = 0; i < events; i++) {
        const struct bs_event *event = &trace->events[i];
        if (event->kind != BS_EVENT_OPCODE)
            continue;
        ret->event_indexes[ret->event_count] = (uint32_t)i;
        ret->event_ids[ret->event_count++] =
            instruction_id(numbering, event->code, event->offset_units);
    }
    for (size_t i = 0; i < steps; i++)
        ret->step_ids[i] =
            instruction_id(numbering, trace->steps[i].code, trace->steps[i].offset_units);
    return NULL;
}

static bool same(struct matcher *matcher, size_t events_on, size_t steps_on) {
    size_t event = matcher->event + events_on, step = matcher->step + steps_on;
    return event < matcher->event_count && step < matcher->step_count &&
           matcher->event_ids[event] == matcher->step_ids[step];
}

/* Go to the nearest place where event and step are the same again; false: there is none. */
static bool resynchronise(struct matcher *matcher) {
    for (size_t distance = 1; distance < NEAR_STEPS; distance++) {
        for (size_t events_on = 0; events_on <= distance; events_on++) {
            if (!matcher->budget)
                return false;
            matcher->budget--;
            if (same(matcher, events_on, distance - events_on)) {
                matcher->event += events_on;
                matcher->step += distance - events_on;
                return true;
            }
        }
    }
    for (size_t distance = NEAR_STEPS; distance < FAR_STEPS && matcher->budget; distance++) {
        matcher->budget--;
        if (same(matcher, 0, distance)) {
            matcher->step += distance;
            return true;
        }
        if (same(matcher, distance, 0)) {
            matcher->event += distance;
            return true;
        }
    }
    matcher->event++;
    matcher->step++;
    return matcher->budget;
}

/* The end of the steps of one dispatch: prefixes, then the instruction itself. */
static size_t dispatch_end(const struct matcher *matcher, const struct numbering *numbering) {
    const struct bs_step *steps = numbering->trace->steps;
    size_t step = matcher->step;
    while (is_prefix(numbering->trace, numbering, &steps[step]) && step + 1 < matcher->step_count &&
           matcher->step_ids[step + 1] == matcher->step_ids[step])
        step++;
    return step + 1;
}

/*
 * Steps of an event reach from where those of the event before it ended, so that what ran between
 * two events counts for the second of them.
 */
static void match(struct matcher *matcher, const struct numbering *numbering,
                  struct bs_merge *merge) {
    size_t filled = 0, end = 0;
    while (matcher->event < matcher->event_count && matcher->step < matcher->step_count) {
        if (!same(matcher, 0, 0)) {
            if (!resynchronise(matcher))
                break;
            continue;
        }
        size_t index = matcher->event_indexes[matcher->event++];
        while (filled <= index)
            merge->first_step[filled++] = (uint32_t)end;
        end = matcher->step = dispatch_end(matcher, numbering);
    }
    while (filled < merge->ordered_events)
        merge->first_step[filled++] = (uint32_t)end;
    merge->ordered_end = end;
}

/* The events from the boundary on get the step of their instruction. */
static struct bs_error *look_up(const struct bs_trace *trace, const struct numbering *numbering,
                                struct bs_merge *merge) {
    size_t bytes = (numbering->count + 1) * sizeof(uint32_t);
    _cleanup_free_ uint32_t *table = malloc(bytes);
    if (!table)
        return &bs_enomem;
    memset(table, 0xff, bytes);
    for (size_t i = merge->ordered_steps; i < trace->step_count; i++) {
        const struct bs_step *step = &trace->steps[i];
        uint32_t id = instruction_id(numbering, step->code, step->offset_units);
        if (table[id] == UINT32_MAX && !is_prefix(trace, numbering, step))
            table[id] = (uint32_t)i;
    }
    for (size_t i = merge->ordered_events; i < trace->event_count; i++) {
        const struct bs_event *event = &trace->events[i];
        merge->first_step[i] =
            event->kind == BS_EVENT_OPCODE
                ? table[instruction_id(numbering, event->code, event->offset_units)]
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
    struct matcher matcher = {0};
    struct numbering numbering;
    if (!trace->step_count)
        return NULL;
    set_boundary(trace, merge);
    merge->first_step = malloc((trace->event_count + 1) * sizeof(*merge->first_step));
    struct bs_error *err = numbering_init(trace, &numbering);
    if (!err)
        err = merge->first_step ? matcher_init(trace, &numbering, &matcher) : &bs_enomem;
    if (!err) {
        match(&matcher, &numbering, merge);
        err = look_up(trace, &numbering, merge);
    }
    matcher_deinit(&matcher);
    free(numbering.code_base);
    return err;
}

void bs_merge_deinit(struct bs_merge *merge) {
    free(merge->first_step);
    *merge = (struct bs_merge){0};
}
