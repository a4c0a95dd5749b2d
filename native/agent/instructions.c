#include "agent/instructions.h"

#include <stdlib.h>

#define ITEMS_FIRST 256u

static size_t hash(uint64_t where) {
    return (size_t)((where * 0x9e3779b97f4a7c15ull) >> 20);
}

static uint32_t *slot_of(const struct instructions *instructions, uint64_t where) {
    size_t at = hash(where) & instructions->mask;
    while (instructions->slots[at] &&
           instructions->items[instructions->slots[at] - 1].tally.where != where)
        at = (at + 1) & instructions->mask;
    return &instructions->slots[at];
}

/* Room for @p capacity items, and slots of which at most half will be used. */
static bool resize(struct instructions *instructions, size_t capacity) {
    struct instruction *items =
        realloc(instructions->items, capacity * sizeof(*instructions->items));
    if (!items)
        return false;
    instructions->items = items;
    uint32_t *slots = calloc(capacity * 2, sizeof(*slots));
    if (!slots)
        return false;
    free(instructions->slots);
    instructions->slots = slots;
    instructions->capacity = capacity;
    instructions->mask = capacity * 2 - 1;
    for (size_t i = 0; i < instructions->count; i++)
        *slot_of(instructions, instructions->items[i].tally.where) = (uint32_t)i + 1;
    return true;
}

bool bs_instructions_init(struct instructions *instructions) {
    *instructions = (struct instructions){.random = 88172645463325252ull};
    return resize(instructions, ITEMS_FIRST);
}

void bs_instructions_deinit(struct instructions *instructions) {
    free(instructions->items);
    free(instructions->slots);
    *instructions = (struct instructions){};
}

static struct instruction *find_or_make(struct instructions *instructions, uint64_t where) {
    uint32_t *slot = slot_of(instructions, where);
    if (*slot)
        return &instructions->items[*slot - 1];
    if (instructions->count == instructions->capacity) {
        if (!resize(instructions, instructions->capacity * 2))
            return NULL;
        slot = slot_of(instructions, where);
    }
    struct instruction *made = &instructions->items[instructions->count++];
    *slot = (uint32_t)instructions->count;
    *made = (struct instruction){.tally = {.where = where, .min_ticks = UINT64_MAX}};
    return made;
}

/* Marsaglia's xorshift: it need not be good, only free of rhythm and the same on every run. */
static uint64_t next_random(struct instructions *instructions) {
    uint64_t x = instructions->random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return instructions->random = x;
}

/* Reservoir sampling: whatever the number of values, each has the same chance to be kept. */
static void keep(struct instructions *instructions, struct instruction *instruction, float value) {
    instruction->kept_of++;
    if (instruction->kept_count < INSTRUCTION_KEPT_MAX) {
        instruction->kept[instruction->kept_count++] = value;
        return;
    }
    uint64_t at = next_random(instructions) % instruction->kept_of;
    if (at < INSTRUCTION_KEPT_MAX)
        instruction->kept[at] = value;
}

void bs_instructions_merge(struct instructions *instructions, const struct tally *part,
                           const float *kept, size_t count) {
    struct instruction *whole = find_or_make(instructions, part->where);
    if (!whole)
        return;
    struct tally *tally = &whole->tally;
    tally->opcode = part->opcode;
    tally->executions += part->executions;
    tally->sum_ticks += part->sum_ticks;
    if (part->min_ticks < tally->min_ticks)
        tally->min_ticks = part->min_ticks;
    for (size_t i = 0; i < count; i++)
        keep(instructions, whole, kept[i]);
}

void bs_instructions_add(struct instructions *instructions, const struct sample *sample) {
    const float value = (float)sample->ticks;
    struct tally part = {
        .where = sample->where,
        .opcode = sample->opcode,
        .executions = 1,
        .min_ticks = sample->ticks,
        .sum_ticks = (double)sample->ticks,
    };
    bs_instructions_merge(instructions, &part, &value, 1);
}
