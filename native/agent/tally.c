#include "agent/tally.h"

#include "agent/random.h"

#include <stdlib.h>

#define ITEMS_FIRST 256u

static size_t hash(uint64_t where) {
    return (size_t)((where * 0x9e3779b97f4a7c15ull) >> 20);
}

static uint32_t *slot_of(const struct tallies *tallies, uint64_t where) {
    size_t at = hash(where) & tallies->mask;
    while (tallies->slots[at] && tallies->items[tallies->slots[at] - 1].tally.where != where)
        at = (at + 1) & tallies->mask;
    return &tallies->slots[at];
}

/* Room for @p capacity items, and slots of which at most half will be used. */
static bool resize(struct tallies *tallies, size_t capacity) {
    struct instruction *items = realloc(tallies->items, capacity * sizeof(*tallies->items));
    if (!items)
        return false;
    tallies->items = items;
    uint32_t *slots = calloc(capacity * 2, sizeof(*slots));
    if (!slots)
        return false;
    free(tallies->slots);
    tallies->slots = slots;
    tallies->capacity = capacity;
    tallies->mask = capacity * 2 - 1;
    for (size_t i = 0; i < tallies->count; i++)
        *slot_of(tallies, tallies->items[i].tally.where) = (uint32_t)i + 1;
    return true;
}

bool bs_tallies_init(struct tallies *tallies) {
    *tallies = (struct tallies){.random = 88172645463325252ull};
    return resize(tallies, ITEMS_FIRST);
}

void bs_tallies_deinit(struct tallies *tallies) {
    free(tallies->items);
    free(tallies->slots);
    *tallies = (struct tallies){};
}

static struct instruction *find_or_make(struct tallies *tallies, uint64_t where) {
    uint32_t *slot = slot_of(tallies, where);
    if (*slot)
        return &tallies->items[*slot - 1];
    if (tallies->count == tallies->capacity) {
        if (!resize(tallies, tallies->capacity * 2))
            return NULL;
        slot = slot_of(tallies, where);
    }
    struct instruction *made = &tallies->items[tallies->count++];
    *slot = (uint32_t)tallies->count;
    *made = (struct instruction){.tally = {.where = where, .min_ticks = UINT64_MAX}};
    return made;
}

/* Reservoir sampling: whatever the number of values, each has the same chance to be kept. */
static void keep(struct tallies *tallies, struct instruction *instruction, float value) {
    instruction->kept_of++;
    if (instruction->kept_count < INSTRUCTION_KEPT_MAX) {
        instruction->kept[instruction->kept_count++] = value;
        return;
    }
    /* The high half of the product: a remainder, without the division. */
    uint64_t at =
        (uint64_t)((unsigned __int128)bs_random(&tallies->random) * instruction->kept_of >> 64);
    if (at < INSTRUCTION_KEPT_MAX)
        instruction->kept[at] = value;
}

void bs_tallies_merge(struct tallies *tallies, const struct tally *part, const float *kept,
                      size_t count) {
    struct instruction *whole = find_or_make(tallies, part->where);
    if (!whole)
        return;
    struct tally *tally = &whole->tally;
    if (tally->executions && tally->opcode != part->opcode)
        tally->other_opcode = tally->opcode;
    else if (part->other_opcode)
        tally->other_opcode = part->other_opcode;
    tally->opcode = part->opcode;
    tally->executions += part->executions;
    tally->timed += part->timed;
    tally->sum_ticks += part->sum_ticks;
    if (part->min_ticks < tally->min_ticks)
        tally->min_ticks = part->min_ticks;
    for (size_t i = 0; i < count; i++)
        keep(tallies, whole, kept[i]);
}

void bs_tallies_add(struct tallies *tallies, const struct sample *sample) {
    const bool timed = sample->ticks != SAMPLE_UNTIMED;
    const float value = (float)sample->ticks;
    struct tally part = {
        .where = sample->where,
        .opcode = sample->opcode,
        .executions = 1,
        .timed = timed,
        .min_ticks = sample->ticks, /* SAMPLE_UNTIMED is no minimum of any */
        .sum_ticks = timed ? (double)sample->ticks : 0,
    };
    bs_tallies_merge(tallies, &part, &value, timed);
}
