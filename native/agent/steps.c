#include "agent/steps.h"

#include "agent/block.h"
#include "agent/quantile.h"
#include "agent/tally.h"

#include <stdlib.h>
#include <string.h>

/* For the medians of the steps in sequence: all the values that are kept, together. */
#define KEPT_BYTES_MAX (128u << 20)

/* The minimum of no times. */
#define NO_TICKS ((1ull << 56) - 1)

struct slot {
    uint64_t where : 56;
    uint64_t opcode : 8; /* of the latest repeat */
    uint64_t min_ticks : 56;
    uint64_t other_opcode : 8; /* of an earlier one, where it was another */
    double sum_ticks;
    uint32_t timed;      /* repeats in which it had a time */
    uint32_t kept_count; /* of its values */
};

struct steps {
    struct slot *slots;
    size_t capacity, length; /* length: the steps in sequence */
    size_t at;               /* samples taken in this repeat, while they are in sequence */
    uint32_t planned, done;  /* repeats */
    bool growing;            /* in the first repeat: what comes is the sequence */
    bool open_ended;         /* samples past the sequence are known to come */
    bool diverged;
    float *kept; /* kept_each for every slot; NULL in the first repeat, or without memory */
    uint32_t kept_each, kept_repeats;
    bool keeping;        /* the values of this repeat */
    struct tallies rest; /* what is folded per instruction */
};

struct steps *bs_steps_create(size_t capacity, uint32_t repeats) {
    struct steps *steps = calloc(1, sizeof(*steps));
    if (!steps)
        return NULL;
    steps->capacity = capacity;
    steps->planned = repeats ? repeats : 1;
    steps->slots = bs_block_create(capacity, sizeof(*steps->slots)); /* touched as it is used */
    if (!steps->slots || !bs_tallies_init(&steps->rest)) {
        bs_steps_destroy(steps);
        return NULL;
    }
    return steps;
}

void bs_steps_destroy(struct steps *steps) {
    if (!steps)
        return;
    bs_tallies_deinit(&steps->rest);
    bs_block_destroy(steps->kept);
    bs_block_destroy(steps->slots);
    free(steps);
}

/* Repeats whose values are kept are spread evenly over those that are planned. */
static bool keep_this(const struct steps *steps) {
    uint64_t each = steps->kept_each, planned = steps->planned, done = steps->done;
    return steps->kept && steps->kept_repeats < each &&
           (done + 1) * each / planned > done * each / planned;
}

void bs_steps_begin(struct steps *steps) {
    steps->at = 0;
    steps->growing = steps->done == 0;
    steps->keeping = keep_this(steps);
}

static void add_time(struct steps *steps, uint64_t ticks) {
    struct slot *slot = &steps->slots[steps->at];
    if (ticks == SAMPLE_UNTIMED)
        return;
    if (ticks < slot->min_ticks)
        slot->min_ticks = ticks;
    slot->sum_ticks += (double)ticks;
    slot->timed++;
    if (steps->keeping && slot->kept_count < steps->kept_each)
        steps->kept[steps->at * steps->kept_each + slot->kept_count++] = (float)ticks;
}

static void append(struct steps *steps, const struct sample *sample) {
    steps->slots[steps->length++] = (struct slot){
        .where = sample->where,
        .opcode = sample->opcode,
        .min_ticks = NO_TICKS,
    };
    add_time(steps, sample->ticks);
    steps->at++;
}

static void fold(struct steps *steps, const struct sample *sample) {
    struct slot *slot = &steps->slots[steps->at];
    if (slot->opcode != sample->opcode)
        slot->other_opcode = slot->opcode;
    slot->opcode = sample->opcode;
    add_time(steps, sample->ticks);
    steps->at++;
}

/* Another path, or more steps than there is room for: what follows is folded per instruction. */
static void leave_sequence(struct steps *steps) {
    steps->diverged = steps->diverged || !steps->growing;
    bs_steps_split(steps, steps->growing ? 0 : steps->at);
    steps->growing = false;
    steps->open_ended = true;
}

void bs_steps_take(struct steps *steps, const struct sample *samples, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const struct sample *sample = &samples[i];
        if (steps->at < steps->length && steps->slots[steps->at].where == sample->where) {
            fold(steps, sample);
            continue;
        }
        if (steps->growing && steps->at < steps->capacity) {
            append(steps, sample);
            continue;
        }
        if (steps->at < steps->length || !steps->open_ended)
            leave_sequence(steps);
        bs_tallies_add(&steps->rest, sample);
    }
}

/* Room for the values of which medians are made, now that the number of steps is known. */
static void make_kept(struct steps *steps) {
    if (!steps->length)
        return;
    size_t each = KEPT_BYTES_MAX / sizeof(float) / steps->length;
    steps->kept_each = (uint32_t)(each < steps->planned ? each : steps->planned);
    if (!steps->kept_each)
        return;
    steps->kept = bs_block_create(steps->length * steps->kept_each, sizeof(float));
    if (!steps->kept)
        return;
    for (size_t i = 0; i < steps->length; i++) {
        struct slot *slot = &steps->slots[i];
        if (slot->timed)
            steps->kept[i * steps->kept_each + slot->kept_count++] = (float)slot->min_ticks;
    }
    steps->kept_repeats = 1;
}

void bs_steps_end(struct steps *steps) {
    if (steps->at < steps->length)
        leave_sequence(steps);
    if (!steps->done)
        make_kept(steps);
    steps->growing = false;
    steps->kept_repeats += steps->keeping;
    steps->done++;
}

void bs_steps_split(struct steps *steps, size_t at) {
    for (size_t i = at; i < steps->length; i++) {
        const struct slot *slot = &steps->slots[i];
        const struct tally part = {
            .where = slot->where,
            .opcode = slot->opcode,
            .other_opcode = slot->other_opcode,
            /* This repeat has not come to `at`, unless it is the first, which made it. */
            .executions = steps->growing ? 1 : steps->done,
            .timed = slot->timed,
            .min_ticks = slot->min_ticks,
            .sum_ticks = slot->sum_ticks,
        };
        const float least = (float)slot->min_ticks;
        const float *kept = steps->kept ? &steps->kept[i * steps->kept_each] : &least;
        const size_t count = steps->kept ? slot->kept_count : slot->timed > 0;
        bs_tallies_merge(&steps->rest, &part, kept, count);
    }
    if (at < steps->length)
        steps->length = at;
}

uint32_t bs_steps_repeats(const struct steps *steps) {
    return steps->done;
}

bool bs_steps_diverged(const struct steps *steps) {
    return steps->diverged;
}

size_t bs_steps_ordered(const struct steps *steps) {
    return steps->length;
}

size_t bs_steps_instructions(const struct steps *steps) {
    return steps->rest.count;
}

uint64_t bs_steps_where(const struct steps *steps, size_t index) {
    return steps->slots[index].where;
}

void bs_steps_step(const struct steps *steps, size_t index, struct step *ret) {
    const struct slot *slot = &steps->slots[index];
    *ret = (struct step){
        .where = slot->where,
        .opcode = slot->opcode,
        .other_opcode = slot->other_opcode,
        .executions = steps->done,
        .timed = slot->timed,
    };
    if (!slot->timed)
        return;
    ret->min_ticks = ret->median_ticks = (double)slot->min_ticks;
    ret->mean_ticks = slot->sum_ticks / slot->timed;
    if (slot->kept_count)
        ret->median_ticks =
            bs_quantile(&steps->kept[index * steps->kept_each], slot->kept_count, 0.5);
}

void bs_steps_instruction(const struct steps *steps, size_t index, struct step *ret) {
    struct instruction *instruction = &steps->rest.items[index];
    const struct tally *tally = &instruction->tally;
    *ret = (struct step){
        .where = tally->where,
        .opcode = tally->opcode,
        .other_opcode = tally->other_opcode,
        .executions = tally->executions,
        .timed = tally->timed,
        .median_ticks = bs_quantile(instruction->kept, instruction->kept_count, 0.5),
    };
    if (!tally->timed)
        return;
    ret->min_ticks = (double)tally->min_ticks;
    ret->mean_ticks = tally->sum_ticks / (double)tally->timed;
}
