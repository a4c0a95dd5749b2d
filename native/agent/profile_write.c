/*
 * The steps of a profile into the image, beside the events of the trace pass: in sequence as far
 * as all repeats and the trace agree, per instruction from there on.
 */
#include "agent/agree.h"
#include "agent/clock.h"
#include "agent/engine.h"
#include "agent/run.h"
#include "agent/walk.h"

#include <math.h>
#include <stdlib.h>

struct row {
    struct step step;
    uint32_t code, offset_units;
};

static bool locate(const struct run *run, struct row *row) {
    return run->engine->locate(row->step.where, &row->code, &row->offset_units) &&
           row->code < run->codes.count;
}

/* With settrace there is an event for each step; other engines may have steps without. */
static bool is_event_for_each(const struct run *run) {
    return run->engine->kind == BS_ENGINE_SETTRACE;
}

static void correct(const struct run *run, size_t index, struct step *step) {
    if (run->engine->correct)
        run->engine->correct(index, step);
}

/*
 * What both sides call an instruction: where its bytecode is. On 3.10 code objects may share that,
 * and then a step does not tell which of them ran.
 */
static uint64_t place_number(const struct run *run, uint32_t code, uint32_t offset_units) {
    if (code >= run->codes.count) /* BS_CODES_NONE: there was no memory */
        return 0;
    return (uintptr_t)run->codes.entries[code].units + 2 * (uint64_t)offset_units;
}

/* One side, and where in it each place is from. */
struct side {
    struct bs_path path;
    uint64_t *places;
    uint32_t *from;
};

static bool side_init(struct side *side, size_t capacity) {
    *side = (struct side){
        .places = malloc((capacity + 1) * sizeof(*side->places)),
        .from = malloc((capacity + 1) * sizeof(*side->from)),
    };
    side->path.places = side->places;
    return side->places && side->from;
}

static void side_deinit(struct side *side) {
    free(side->places);
    free(side->from);
}

static void add_place(struct side *side, uint64_t place, size_t from) {
    side->places[side->path.count] = place;
    side->from[side->path.count++] = (uint32_t)from;
}

static bool gather_steps(const struct run *run, struct side *side) {
    const size_t ordered = bs_steps_ordered(run->steps);
    if (!side_init(side, ordered))
        return false;
    for (size_t i = 0; i < ordered; i++) {
        struct row row;
        row.step.where = bs_steps_where(run->steps, i);
        if (locate(run, &row))
            add_place(side, place_number(run, row.code, row.offset_units), i);
    }
    side->from[side->path.count] = (uint32_t)ordered;
    return true;
}

static bool gather_events(const struct run *run, struct side *side) {
    const struct bs_section *section = &run->header->sections[BS_SECTION_EVENTS];
    const struct bs_event *events =
        (const void *)((const char *)run->header + section->offset_bytes);
    const size_t count = section->used_bytes / sizeof(*events);
    if (!side_init(side, count))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (events[i].kind == BS_EVENT_OPCODE)
            add_place(side, place_number(run, events[i].code, events[i].offset_units), i);
    }
    side->from[side->path.count] = (uint32_t)count;
    return true;
}

/* Whether the trace pass took another path than the repeats; the step and event in any case. */
static bool part(const struct run *run, size_t *ret_step, uint32_t *ret_event) {
    struct side steps = {}, events = {};
    size_t step = 0, event = 0;
    bool parted = false, gathered = gather_steps(run, &steps) && gather_events(run, &events);
    if (gathered)
        parted = bs_paths_part(&steps.path, &events.path, is_event_for_each(run), &step, &event);
    *ret_step = gathered ? steps.from[step] : 0;
    *ret_event = gathered ? events.from[event] : 0;
    side_deinit(&steps);
    side_deinit(&events);
    return parted;
}

/* Decide what stays in sequence, and say so in the header. */
static void settle(struct run *run) {
    struct bs_image_header *header = run->header;
    if (header->flags & BS_IMAGE_EVENTS_LOST ||
        (!bs_steps_ordered(run->steps) && !bs_steps_diverged(run->steps))) {
        bs_steps_split(run->steps, 0);
        if (bs_steps_instructions(run->steps))
            header->flags |= BS_IMAGE_PER_INSTRUCTION;
        return;
    }
    uint32_t event;
    size_t step;
    if (part(run, &step, &event) || bs_steps_diverged(run->steps)) {
        bs_steps_split(run->steps, step);
        header->flags |= BS_IMAGE_DIVERGED;
        header->diverged_event = event;
    }
}

static double in_units(double ticks) {
    return round(ticks * bs_clock.tick_ns / BS_STEP_UNIT_NS);
}

/* Nothing is written as a cost of next to nothing where the engine knows that. */
static int32_t cost_of(const struct run *run, const struct step *step) {
    double units = in_units(step->cost_ticks);
    int32_t cost = (int32_t)fmax(-BS_COST_MAX, fmin(units, BS_COST_MAX));
    return cost || !run->engine->correct ? cost : 1;
}

/* Likewise. */
static void set_error(struct bs_step *ret, double ticks) {
    if (!(ticks > 0))
        return;
    for (; in_units(ticks) > BS_ERROR_MAX && ret->error_shift < BS_ERROR_SHIFT_MAX; ticks /= 2)
        ret->error_shift++;
    ret->error = (uint32_t)fmax(1, fmin(in_units(ticks), BS_ERROR_MAX));
}

static void write_row(struct run *run, const struct row *row, double executions, bool counted) {
    const struct code_entry *code = &run->codes.entries[row->code];
    uint32_t opcode = row->step.opcode;
    if (!opcode && row->offset_units < code->unit_count)
        opcode = code->units[2 * row->offset_units];
    struct bs_step step = {
        .opcode = opcode,
        .code = row->code,
        .offset_units = row->offset_units,
        .min_ns = (float)(row->step.min_ticks * bs_clock.tick_ns),
        .median_ns = (float)(row->step.median_ticks * bs_clock.tick_ns),
        .mean_ns = (float)(row->step.mean_ticks * bs_clock.tick_ns),
        .cost = cost_of(run, &row->step),
        .other_opcode = row->step.other_opcode,
    };
    set_error(&step, row->step.error_ticks);
    if (bs_output_put(&run->output, BS_SECTION_STEPS, &step, sizeof(step)) && counted)
        bs_output_put(&run->output, BS_SECTION_COUNTS, &executions, sizeof(executions));
}

static int compare_rows(const void *a, const void *b) {
    const struct row *x = a, *y = b;
    if (x->code != y->code)
        return x->code < y->code ? -1 : 1;
    return (x->offset_units > y->offset_units) - (x->offset_units < y->offset_units);
}

/* Two rows for one instruction, when an engine has several names for it. */
static void merge_row(struct row *into, const struct row *row) {
    struct step *a = &into->step;
    const struct step *b = &row->step;
    double part = (double)b->timed / (double)(a->timed + b->timed);
    a->mean_ticks += (b->mean_ticks - a->mean_ticks) * part;
    a->median_ticks = part > 0.5 ? b->median_ticks : a->median_ticks;
    a->min_ticks = b->min_ticks < a->min_ticks ? b->min_ticks : a->min_ticks;
    a->cost_ticks += (b->cost_ticks - a->cost_ticks) * part;
    a->error_ticks = fmax(a->error_ticks, b->error_ticks);
    a->executions += b->executions;
    a->timed += b->timed;
}

static size_t collect_instructions(const struct run *run, struct row *rows) {
    size_t count = 0, merged = 0;
    for (size_t i = 0; i < bs_steps_instructions(run->steps); i++) {
        struct row *row = &rows[count];
        bs_steps_instruction(run->steps, i, &row->step);
        if (!row->step.timed)
            continue;
        correct(run, ENGINE_NO_INDEX, &row->step);
        count += locate(run, row);
    }
    qsort(rows, count, sizeof(*rows), compare_rows);
    for (size_t i = 0; i < count; i++) {
        if (merged && !compare_rows(&rows[merged - 1], &rows[i]))
            merge_row(&rows[merged - 1], &rows[i]);
        else
            rows[merged++] = rows[i];
    }
    return merged;
}

/*
 * What ran in no code object that is known belongs to the instruction before: the evaluator has a
 * few instructions of its own, by which it leaves for C.
 */
static void lengthen(struct step *step, const struct step *more) {
    step->min_ticks += more->min_ticks;
    step->median_ticks += more->median_ticks;
    step->mean_ticks += more->mean_ticks;
    step->cost_ticks += more->cost_ticks;
    step->error_ticks = hypot(step->error_ticks, more->error_ticks);
}

/* The steps in sequence; returns how many there are in the image. */
static uint32_t write_sequence(struct run *run, bool counted) {
    struct row open = {}, row;
    uint32_t written = 0;
    for (size_t i = 0; i < bs_steps_ordered(run->steps); i++) {
        bs_steps_step(run->steps, i, &row.step);
        correct(run, i, &row.step);
        if (!locate(run, &row)) {
            lengthen(&open.step, &row.step);
            continue;
        }
        if (written++)
            write_row(run, &open, 1, counted);
        open = row;
    }
    if (written)
        write_row(run, &open, 1, counted);
    return written;
}

void bs_profile_write(struct run *run) {
    if (run->walk)
        bs_walk_write(run->walk, &run->codes, &run->output);
    if (!run->steps || !bs_steps_repeats(run->steps))
        return;
    settle(run);
    const size_t instructions = bs_steps_instructions(run->steps);
    struct row *rows = malloc((instructions + 1) * sizeof(*rows));
    if (!rows)
        return;
    uint32_t ordered = write_sequence(run, instructions > 0);
    if (!ordered) /* no step is the first of a run and nothing else */
        run->header->entry_ns = 0;
    if (run->header->flags & BS_IMAGE_DIVERGED)
        run->header->diverged_step = ordered;
    size_t count = collect_instructions(run, rows);
    for (size_t i = 0; i < count; i++) {
        /* Where repeats take turns at two paths, what is on one of them ran half a time in each. */
        double executions = (double)rows[i].step.executions / bs_steps_repeats(run->steps);
        write_row(run, &rows[i], executions, true);
    }
    free(rows);
}
