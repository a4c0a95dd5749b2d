#include "core/match.h"

#include "core/cleanup.h"
#include "core/opcodes.h"
#include "core/text.h"

#include <string.h>

/* How far a mismatch is looked into on both sides at once, and along one side alone. */
#define NEAR_PLACES 48
#define FAR_PLACES  (1 << 16)

/* Comparisons that may be spent on mismatches, for each event and place: garbage stays linear. */
#define BUDGET_PER_RECORD 64
#define BUDGET_BASE       (1 << 20)

/* EXTENDED_ARGs that extend a 32-bit argument; in a run of more of them each stands for itself. */
#define PREFIXES_MAX 3

struct matcher {
    const struct bs_numbering *numbering;
    const struct bs_place *places;
    uint32_t *event_ids, *event_indexes; /* of the opcode events */
    uint32_t *place_ids;
    size_t event_count, place_count;
    size_t event, place; /* how far both have been matched */
    size_t budget;
};

/* From here on each code object has its bytecode in itself (Include/cpython/code.h). */
#define OWN_BYTECODE_SINCE 0x030b0000u

static int by_bytecode(const void *a, const void *b, void *arg) {
    const struct bs_trace *trace = arg;
    const uint32_t *x = a, *y = b;
    struct bs_text left = trace->codes[*x].code->bytecode, right = trace->codes[*y].code->bytecode;
    if (left.length != right.length)
        return left.length < right.length ? -1 : 1;
    int order = left.length ? memcmp(left.data, right.data, left.length) : 0;
    return order ? order : (*x > *y) - (*x < *y);
}

/* Give code objects with the same bytecode the numbers of the first of them. */
static struct bs_error *share_numbers(struct bs_numbering *numbering) {
    const struct bs_trace *trace = numbering->trace;
    _cleanup_free_ uint32_t *order = calloc(trace->code_count + 1, sizeof(*order));
    if (!order)
        return &bs_enomem;
    for (size_t i = 0; i < trace->code_count; i++)
        order[i] = (uint32_t)i;
    qsort_r(order, trace->code_count, sizeof(*order), by_bytecode, (void *)trace);
    for (size_t i = 1; i < trace->code_count; i++) {
        if (bs_text_equal(trace->codes[order[i]].code->bytecode,
                          trace->codes[order[i - 1]].code->bytecode))
            numbering->code_base[order[i]] = numbering->code_base[order[i - 1]];
    }
    return NULL;
}

struct bs_error *bs_numbering_init(const struct bs_trace *trace, struct bs_numbering *numbering) {
    *numbering =
        (struct bs_numbering){.trace = trace, .opcodes = bs_opcodes_find(trace->header->python)};
    numbering->code_base = calloc(trace->code_count + 1, sizeof(*numbering->code_base));
    if (!numbering->code_base)
        return &bs_enomem;
    numbering->count = (uint32_t)trace->instruction_count;
    numbering->return_generator =
        numbering->opcodes ? bs_opcodes_number(numbering->opcodes, "RETURN_GENERATOR") : -1;
    for (size_t i = 0; i < trace->code_count; i++)
        numbering->code_base[i] = (uint32_t)trace->codes[i].first;
    return trace->header->python < OWN_BYTECODE_SINCE ? share_numbers(numbering) : NULL;
}

static bool extends(const struct bs_numbering *numbering,
                    const struct bs_instruction *instruction) {
    return numbering->opcodes->opcodes[instruction->opcode].argument == BS_ARGUMENT_EXTEND;
}

void bs_numbering_deinit(struct bs_numbering *numbering) {
    free(numbering->code_base);
    *numbering = (struct bs_numbering){0};
}

/* Index of the instruction that stands at @p place, prefix or not. */
static uint32_t instruction_index(const struct bs_numbering *numbering, struct bs_place place) {
    return numbering->trace->codes[place.code].instructions.by_unit[place.offset_units];
}

uint32_t bs_place_id(const struct bs_numbering *numbering, struct bs_place place) {
    if (place.code == BS_PLACE_NO_CODE)
        return BS_PLACE_NO_ID;
    const struct bs_instructions *instructions = &numbering->trace->codes[place.code].instructions;
    uint32_t i = instruction_index(numbering, place), prefixes = 0;
    while (i + 1 < instructions->count && prefixes++ < PREFIXES_MAX &&
           extends(numbering, &instructions->items[i]))
        i++;
    return numbering->code_base[place.code] + i;
}

bool bs_place_is_prefix(const struct bs_numbering *numbering, struct bs_place place) {
    return place.code != BS_PLACE_NO_CODE &&
           bs_place_id(numbering, place) !=
               numbering->code_base[place.code] + instruction_index(numbering, place);
}

static void matcher_deinit(struct matcher *matcher) {
    free(matcher->event_ids);
    free(matcher->event_indexes);
    free(matcher->place_ids);
}

static struct bs_error *matcher_init(const struct bs_numbering *numbering,
                                     const struct bs_place *places, size_t count, size_t events,
                                     struct matcher *ret) {
    *ret = (struct matcher){
        .numbering = numbering,
        .places = places,
        .event_ids = calloc(events + 1, sizeof(uint32_t)),
        .event_indexes = calloc(events + 1, sizeof(uint32_t)),
        .place_ids = calloc(count + 1, sizeof(uint32_t)),
        .place_count = count,
        .budget = BUDGET_BASE + BUDGET_PER_RECORD * (events + count),
    };
    if (!ret->event_ids || !ret->event_indexes || !ret->place_ids)
        return &bs_enomem;
    for (size_t i = 0; i < events; i++) {
        const struct bs_event *event = &numbering->trace->events[i];
        if (event->kind != BS_EVENT_OPCODE)
            continue;
        ret->event_indexes[ret->event_count] = (uint32_t)i;
        ret->event_ids[ret->event_count++] =
            bs_place_id(numbering, (struct bs_place){event->code, event->offset_units});
    }
    for (size_t i = 0; i < count; i++)
        ret->place_ids[i] = bs_place_id(numbering, places[i]);
    return NULL;
}

static bool same(struct matcher *matcher, size_t events_on, size_t places_on) {
    size_t event = matcher->event + events_on, place = matcher->place + places_on;
    return event < matcher->event_count && place < matcher->place_count &&
           matcher->event_ids[event] == matcher->place_ids[place];
}

/* Go to the nearest place where event and place are the same again; false: there is none. */
static bool resynchronise(struct matcher *matcher) {
    for (size_t distance = 1; distance < NEAR_PLACES; distance++) {
        for (size_t events_on = 0; events_on <= distance; events_on++) {
            if (!matcher->budget)
                return false;
            matcher->budget--;
            if (same(matcher, events_on, distance - events_on)) {
                matcher->event += events_on;
                matcher->place += distance - events_on;
                return true;
            }
        }
    }
    for (size_t distance = NEAR_PLACES; distance < FAR_PLACES && matcher->budget; distance++) {
        matcher->budget--;
        if (same(matcher, 0, distance)) {
            matcher->place += distance;
            return true;
        }
        if (same(matcher, distance, 0)) {
            matcher->event += distance;
            return true;
        }
    }
    matcher->event++;
    matcher->place++;
    return matcher->budget;
}

static const struct bs_event *event_at(const struct matcher *matcher, size_t event) {
    return &matcher->numbering->trace->events[matcher->event_indexes[event]];
}

/* From 3.12 on a prefix has an event of its own, before that of its instruction. */
static bool has_own_event(const struct matcher *matcher) {
    size_t next = matcher->event + 1;
    const struct bs_event *event = event_at(matcher, matcher->event);
    return next < matcher->event_count &&
           matcher->event_ids[next] == matcher->event_ids[matcher->event] &&
           event->offset_units == matcher->places[matcher->place].offset_units &&
           event->offset_units < event_at(matcher, next)->offset_units;
}

/* The end of the places of the event at hand: prefixes, then the instruction itself. */
static size_t dispatch_end(const struct matcher *matcher) {
    size_t place = matcher->place;
    if (has_own_event(matcher))
        return place + 1;
    while (bs_place_is_prefix(matcher->numbering, matcher->places[place]) &&
           place + 1 < matcher->place_count &&
           matcher->place_ids[place + 1] == matcher->place_ids[place])
        place++;
    return place + 1;
}

static bool makes_generator(const struct bs_numbering *numbering, struct bs_place place) {
    if (place.code == BS_PLACE_NO_CODE)
        return false;
    const struct bs_instructions *instructions = &numbering->trace->codes[place.code].instructions;
    return instructions->items[instruction_index(numbering, place)].opcode ==
           numbering->return_generator;
}

/* Where the places of the event before end, @p end being past its instruction. */
static size_t end_of_call(const struct matcher *matcher, size_t end) {
    for (size_t place = end; place < matcher->place; place++) {
        if (makes_generator(matcher->numbering, matcher->places[place]))
            end = place + 1;
    }
    return end;
}

static void match(struct matcher *matcher, size_t event_count, uint32_t *first) {
    size_t filled = 0, end = 0;
    while (matcher->event < matcher->event_count && matcher->place < matcher->place_count) {
        if (!same(matcher, 0, 0)) {
            if (!resynchronise(matcher))
                break;
            continue;
        }
        size_t index = matcher->event_indexes[matcher->event];
        if (filled)
            end = end_of_call(matcher, end);
        while (filled <= index)
            first[filled++] = (uint32_t)end;
        end = matcher->place = dispatch_end(matcher);
        matcher->event++;
    }
    while (filled <= event_count)
        first[filled++] = (uint32_t)end;
}

struct bs_error *bs_match(const struct bs_numbering *numbering, const struct bs_place *places,
                          size_t count, size_t event_count, uint32_t *ret_first) {
    struct matcher matcher;
    struct bs_error *err = matcher_init(numbering, places, count, event_count, &matcher);
    if (!err)
        match(&matcher, event_count, ret_first);
    matcher_deinit(&matcher);
    return err;
}
