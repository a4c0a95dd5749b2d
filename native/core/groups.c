#include "core/groups.h"

#include "core/grow.h"

#define OPCODES 256

/* One execution, or @p weight of them that took the same time each. */
struct sample {
    uint32_t code;
    const struct bs_instruction *instruction;
    uint8_t opcode;
    float ns;
    double weight;
};

struct value {
    float ns;
    float weight;
};

struct grouping {
    const struct bs_trace *trace;
    enum bs_summary_key key;
    enum bs_statistic statistic;
    size_t first, end;
    struct bs_timing timing;

    struct bs_group *items; /* all that there may be */
    size_t count;
    uint32_t *line_groups; /* LINE: the group of each instruction of each code */
    size_t *code_groups;   /* the first group of each code, and the end */

    struct value *values; /* of all groups, end to end; NULL while they are counted */
    size_t *value_ends;   /* of each group: where its next value goes */
};

typedef void (*sample_fn)(struct grouping *grouping, const struct sample *sample);

/* OPCODE, FAMILY: a group for each number. */
static struct bs_error *list_opcodes(struct grouping *grouping) {
    grouping->count = OPCODES;
    grouping->items = calloc(OPCODES, sizeof(*grouping->items));
    for (int i = 0; grouping->items && i < OPCODES; i++)
        grouping->items[i].opcode = (uint8_t)i;
    return grouping->items ? NULL : &bs_enomem;
}

static struct bs_error *list_functions(struct grouping *grouping) {
    grouping->count = grouping->trace->code_count;
    grouping->items = calloc(grouping->count + 1, sizeof(*grouping->items));
    for (size_t i = 0; grouping->items && i < grouping->count; i++)
        grouping->items[i].code = (uint32_t)i;
    return grouping->items ? NULL : &bs_enomem;
}

static int compare_lines(const void *a, const void *b) {
    uint32_t left = ((const struct bs_group *)a)->line, right = ((const struct bs_group *)b)->line;
    return (left > right) - (left < right);
}

/* Which of @p count groups in order is that of @p line; @p count when there is none. */
static size_t find_line(const struct bs_group *groups, size_t count, uint32_t line) {
    const struct bs_group wanted = {.line = line};
    const struct bs_group *found = bsearch(&wanted, groups, count, sizeof(*groups), compare_lines);
    return found ? (size_t)(found - groups) : count;
}

/* The lines of one code: its instructions' lines, sorted, each once. */
static void list_lines_of(struct grouping *grouping, uint32_t code) {
    const struct bs_instructions *instructions = &grouping->trace->codes[code].instructions;
    struct bs_group *groups = grouping->items + grouping->count;
    size_t count = 0;
    for (size_t i = 0; i < instructions->count; i++)
        groups[i] = (struct bs_group){.code = code, .line = instructions->items[i].line};
    qsort(groups, instructions->count, sizeof(*groups), compare_lines);
    for (size_t i = 0; i < instructions->count; i++) {
        if (!count || groups[count - 1].line != groups[i].line)
            groups[count++] = groups[i];
    }
    uint32_t *places = grouping->line_groups + grouping->trace->codes[code].first;
    for (size_t i = 0; i < instructions->count; i++)
        places[i] =
            (uint32_t)(grouping->count + find_line(groups, count, instructions->items[i].line));
    grouping->code_groups[code] = grouping->count;
    grouping->count += count;
}

static struct bs_error *list_lines(struct grouping *grouping) {
    const struct bs_trace *trace = grouping->trace;
    const size_t places = trace->instruction_count;
    grouping->code_groups = calloc(trace->code_count + 1, sizeof(*grouping->code_groups));
    grouping->items = calloc(places + 1, sizeof(*grouping->items));
    grouping->line_groups = calloc(places + 1, sizeof(*grouping->line_groups));
    if (!grouping->code_groups || !grouping->items || !grouping->line_groups)
        return &bs_enomem;
    for (uint32_t i = 0; i < trace->code_count; i++)
        list_lines_of(grouping, i);
    grouping->code_groups[trace->code_count] = grouping->count;
    return NULL;
}

static size_t group_of_line(const struct grouping *grouping, uint32_t code,
                            const struct bs_instruction *instruction) {
    const struct bs_trace_code *in = &grouping->trace->codes[code];
    return grouping->line_groups[in->first + (size_t)(instruction - in->instructions.items)];
}

static size_t group_of(const struct grouping *grouping, const struct sample *sample) {
    switch (grouping->key) {
    case BS_SUMMARY_OPCODE:
        return sample->opcode;
    case BS_SUMMARY_FAMILY:
        return bs_opcode_base(grouping->trace->header->python, sample->opcode);
    case BS_SUMMARY_LINE:
        return group_of_line(grouping, sample->code, sample->instruction);
    case BS_SUMMARY_FUNCTION:
        break;
    }
    return sample->code;
}

static void give_step(struct grouping *grouping, const struct bs_step *step, double weight,
                      sample_fn fn) {
    struct bs_time time;
    bs_timing_step(&grouping->timing, step, &time);
    const struct sample sample = {
        .code = step->code,
        .instruction =
            bs_instruction_at(&grouping->trace->codes[step->code].instructions, step->offset_units),
        .opcode = step->opcode,
        .ns = (float)time.ns[grouping->statistic],
        .weight = weight,
    };
    fn(grouping, &sample);
}

static void give_event(struct grouping *grouping, size_t index, sample_fn fn) {
    const struct bs_trace *trace = grouping->trace;
    const struct bs_event *event = &trace->events[index];
    if (event->kind != BS_EVENT_OPCODE)
        return;
    if (grouping->timing.timed) {
        size_t count;
        const struct bs_step *steps = bs_trace_steps(trace, index, &count);
        for (size_t i = 0; i < count; i++)
            give_step(grouping, &steps[i], 1, fn);
        return;
    }
    const struct sample sample = {
        .code = event->code,
        .instruction = bs_trace_instruction(trace, event),
        .opcode = bs_trace_opcode(trace, index),
        .weight = 1,
    };
    fn(grouping, &sample);
}

/* All of the run is wanted, and how often each step ran is known: events may be missing. */
static bool by_counts(const struct grouping *grouping) {
    return grouping->timing.timed && grouping->trace->counts && !grouping->first &&
           grouping->end == grouping->trace->event_count;
}

/* Every execution: of steps where there are times, else of events. */
static void each_sample(struct grouping *grouping, sample_fn fn) {
    const struct bs_trace *trace = grouping->trace;
    if (!by_counts(grouping)) {
        for (size_t i = grouping->first; i < grouping->end; i++)
            give_event(grouping, i, fn);
        return;
    }
    for (size_t i = 0; i < trace->step_count; i++) {
        if (i < trace->merge.ordered_end || i >= trace->merge.ordered_steps)
            give_step(grouping, &trace->steps[i], trace->counts[i], fn);
    }
}

static void count_sample(struct grouping *grouping, const struct sample *sample) {
    size_t i = group_of(grouping, sample);
    struct bs_group *group = &grouping->items[i];
    grouping->value_ends[i]++;
    group->count += sample->weight;
    group->total_ns += sample->ns * sample->weight;
}

static void keep_sample(struct grouping *grouping, const struct sample *sample) {
    size_t i = group_of(grouping, sample);
    grouping->values[grouping->value_ends[i]++] = (struct value){sample->ns, (float)sample->weight};
}

static int compare_values(const void *a, const void *b) {
    float left = ((const struct value *)a)->ns, right = ((const struct value *)b)->ns;
    return (left > right) - (left < right);
}

/* Smallest and median of @p count values; half of the weight lies below the median. */
static void order_values(struct value *values, size_t count, struct bs_group *group) {
    double below = 0;
    if (!count)
        return;
    qsort(values, count, sizeof(*values), compare_values);
    group->min_ns = values[0].ns;
    for (size_t i = 0; i < count; i++) {
        below += values[i].weight;
        group->median_ns = values[i].ns;
        if (2 * below >= group->count)
            break;
    }
}

static bool has_median(const struct grouping *grouping) {
    return grouping->timing.timed &&
           (grouping->key == BS_SUMMARY_OPCODE || grouping->key == BS_SUMMARY_FAMILY);
}

static struct bs_error *collect(struct grouping *grouping) {
    size_t total = 0;
    grouping->value_ends = calloc(grouping->count + 1, sizeof(*grouping->value_ends));
    if (!grouping->value_ends)
        return &bs_enomem;
    each_sample(grouping, count_sample);
    if (!has_median(grouping))
        return NULL;
    for (size_t i = 0; i < grouping->count; i++) {
        size_t count = grouping->value_ends[i];
        grouping->value_ends[i] = total;
        total += count;
    }
    grouping->values = malloc((total + 1) * sizeof(*grouping->values));
    if (!grouping->values)
        return &bs_enomem;
    each_sample(grouping, keep_sample);
    for (size_t i = 0, start = 0; i < grouping->count; start = grouping->value_ends[i++])
        order_values(grouping->values + start, grouping->value_ends[i] - start,
                     &grouping->items[i]);
    return NULL;
}

/* Frames that are open while calls are walked, to know the time between entry and exit. */
struct calls {
    struct open_frame {
        uint32_t code;
        double start_ns;
    } * frames;
    size_t depth, capacity;
    uint32_t *active; /* open frames of each code */
    double now_ns;
};

static struct bs_error *enter_frame(struct calls *calls, uint32_t code) {
    struct open_frame *frames =
        bs_grow(calls->frames, calls->depth, &calls->capacity, sizeof(*frames));
    if (!frames)
        return &bs_enomem;
    calls->frames = frames;
    frames[calls->depth++] = (struct open_frame){code, calls->now_ns};
    calls->active[code]++;
    return NULL;
}

static void leave_frame(struct grouping *grouping, struct calls *calls) {
    if (!calls->depth)
        return;
    uint32_t code = calls->frames[--calls->depth].code;
    if (!--calls->active[code])
        grouping->items[code].inclusive_ns += calls->now_ns - calls->frames[calls->depth].start_ns;
}

/* What is before the range has happened, and takes no time: its frames may still be open. */
static struct bs_error *walk_event(struct grouping *grouping, struct calls *calls, size_t index) {
    const struct bs_event *event = &grouping->trace->events[index];
    const bool counts = index >= grouping->first;
    struct bs_time time;
    switch (event->kind) {
    case BS_EVENT_CALL:
        grouping->items[event->code].entered += counts;
        return enter_frame(calls, event->code);
    case BS_EVENT_RETURN:
        leave_frame(grouping, calls);
        return NULL;
    case BS_EVENT_OPCODE:
        if (counts && bs_timing_event(&grouping->timing, grouping->trace, index, &time))
            calls->now_ns += time.ns[grouping->statistic];
        return NULL;
    default:
        return NULL;
    }
}

/* FUNCTION: how often each was entered, and the time until it was left. */
static struct bs_error *walk_calls(struct grouping *grouping) {
    struct calls calls = {.active = calloc(grouping->count + 1, sizeof(*calls.active))};
    struct bs_error *err = calls.active ? NULL : &bs_enomem;
    for (size_t i = 0; i < grouping->end && !err; i++)
        err = walk_event(grouping, &calls, i);
    while (calls.depth)
        leave_frame(grouping, &calls);
    free(calls.frames);
    free(calls.active);
    return err;
}

/* LINE: how often each line began. */
static void count_lines(struct grouping *grouping) {
    for (size_t i = grouping->first; i < grouping->end; i++) {
        const struct bs_event *event = &grouping->trace->events[i];
        if (event->kind != BS_EVENT_LINE)
            continue;
        size_t first = grouping->code_groups[event->code];
        size_t count = grouping->code_groups[event->code + 1] - first;
        size_t found = find_line(grouping->items + first, count, event->line);
        if (found < count)
            grouping->items[first + found].entered++;
    }
}

static int compare_places(const struct bs_group *a, const struct bs_group *b) {
    if (a->code != b->code)
        return a->code < b->code ? -1 : 1;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    return (a->opcode > b->opcode) - (a->opcode < b->opcode);
}

static int compare_weights(const void *a, const void *b) {
    const struct bs_group *left = a, *right = b;
    if (left->total_ns != right->total_ns)
        return left->total_ns > right->total_ns ? -1 : 1;
    if (left->count != right->count)
        return left->count > right->count ? -1 : 1;
    return compare_places(left, right);
}

/* Leave only the groups that ran, in their order, and sum them up. */
static void finish(struct grouping *grouping, struct bs_groups *ret) {
    size_t count = 0;
    *ret = (struct bs_groups){
        .items = grouping->items,
        .timing = grouping->timing,
        .whole = !by_counts(grouping),
    };
    for (size_t i = 0; i < grouping->count; i++) {
        const struct bs_group *group = &grouping->items[i];
        if (group->count == 0 && group->entered == 0)
            continue;
        ret->sum.count += group->count;
        ret->sum.entered += group->entered;
        ret->sum.total_ns += group->total_ns;
        ret->items[count++] = *group;
    }
    ret->count = count;
    /* Lines are in order already: codes as they were met, lines as they are in the source. */
    if (grouping->key != BS_SUMMARY_LINE)
        qsort(ret->items, count, sizeof(*ret->items), compare_weights);
    grouping->items = NULL;
}

static struct bs_error *group(struct grouping *grouping) {
    struct bs_error *err;
    if (grouping->key == BS_SUMMARY_LINE)
        err = list_lines(grouping);
    else if (grouping->key == BS_SUMMARY_FUNCTION)
        err = list_functions(grouping);
    else
        err = list_opcodes(grouping);
    if (!err)
        err = collect(grouping);
    if (!err && grouping->key == BS_SUMMARY_FUNCTION)
        err = walk_calls(grouping);
    if (!err && grouping->key == BS_SUMMARY_LINE)
        count_lines(grouping);
    return err;
}

struct bs_error *bs_groups_init(const struct bs_trace *trace, enum bs_summary_key key,
                                enum bs_statistic statistic, size_t first, size_t end,
                                struct bs_groups *ret) {
    struct grouping grouping = {
        .trace = trace, .key = key, .statistic = statistic, .first = first, .end = end};
    bs_timing_init(trace, &grouping.timing);
    struct bs_error *err = group(&grouping);
    if (!err)
        finish(&grouping, ret);
    free(grouping.items);
    free(grouping.line_groups);
    free(grouping.code_groups);
    free(grouping.values);
    free(grouping.value_ends);
    return err;
}

void bs_groups_deinit(struct bs_groups *groups) {
    free(groups->items);
}
