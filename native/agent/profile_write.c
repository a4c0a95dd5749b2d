/*
 * The steps of a profile into the image, beside the events of the trace pass: in sequence as far
 * as all repeats and the trace agree, per instruction from there on.
 */
#include "agent/clock.h"
#include "agent/engine.h"
#include "agent/run.h"
#include "agent/walk.h"

#include <math.h>
#include <stdlib.h>

/*
 * How many opcode events may come before the one of the next step: a superinstruction is one step
 * for two events, and not every instruction that is dispatched has an event.
 */
#define EVENTS_AHEAD 4

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

/* The n-th event that is an OPCODE, and its number; NULL past the last. */
struct opcode_events {
    const struct bs_event *events;
    size_t count, at;
};

static const struct bs_event *skip_to_opcode(struct opcode_events *events) {
    while (events->at < events->count && events->events[events->at].kind != BS_EVENT_OPCODE)
        events->at++;
    return events->at < events->count ? &events->events[events->at] : NULL;
}

/* Go past the event of @p row, if it is among the next; else stay. */
static bool match(struct opcode_events *events, const struct row *row) {
    struct opcode_events ahead = *events;
    for (int i = 0; i < EVENTS_AHEAD; i++, ahead.at++) {
        const struct bs_event *event = skip_to_opcode(&ahead);
        if (!event)
            return false;
        if (event->code == row->code && event->offset_units == row->offset_units) {
            ahead.at++;
            *events = ahead;
            return true;
        }
    }
    return false;
}

/* How many of the steps in sequence agree with the events, and the event where they part. */
static size_t count_agreeing(const struct run *run, uint32_t *ret_event) {
    const struct bs_section *section = &run->header->sections[BS_SECTION_EVENTS];
    struct opcode_events events = {
        .events = (const void *)((const char *)run->header + section->offset_bytes),
        .count = section->used_bytes / sizeof(struct bs_event),
    };
    const size_t ordered = bs_steps_ordered(run->steps);
    size_t agreeing = 0;
    for (; agreeing < ordered; agreeing++) {
        struct row row;
        bs_steps_step(run->steps, agreeing, &row.step);
        if ((!locate(run, &row) || !match(&events, &row)) && is_event_for_each(run))
            break;
    }
    skip_to_opcode(&events);
    *ret_event = (uint32_t)events.at;
    return agreeing;
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
    size_t ordered = bs_steps_ordered(run->steps);
    size_t agreeing = count_agreeing(run, &event);
    if (agreeing < ordered || bs_steps_diverged(run->steps)) {
        bs_steps_split(run->steps, agreeing);
        header->flags |= BS_IMAGE_DIVERGED;
        header->diverged_event = event;
    }
}

static int32_t in_cost_units(double ticks, int32_t least, int32_t most) {
    double units = round(ticks * bs_clock.tick_ns / BS_COST_UNIT_NS);
    return units < least ? least : units > most ? most : (int32_t)units;
}

/* Nothing is written as a cost of next to nothing where the engine knows that. */
static int32_t cost_of(const struct run *run, const struct step *step) {
    int32_t cost = in_cost_units(step->cost_ticks, -BS_COST_MAX, BS_COST_MAX);
    return cost || !run->engine->correct ? cost : 1;
}

static void write_row(struct run *run, const struct row *row, uint64_t executions, bool counted) {
    struct bs_step *step = bs_output_append(&run->output, BS_SECTION_STEPS, sizeof(*step), 1);
    const struct code_entry *code = &run->codes.entries[row->code];
    uint32_t opcode = row->step.opcode;
    if (!step)
        return;
    if (!opcode && row->offset_units < code->unit_count)
        opcode = code->units[2 * row->offset_units];
    *step = (struct bs_step){
        .opcode = opcode,
        .code = row->code,
        .offset_units = row->offset_units,
        .min_ns = (float)(row->step.min_ticks * bs_clock.tick_ns),
        .median_ns = (float)(row->step.median_ticks * bs_clock.tick_ns),
        .mean_ns = (float)(row->step.mean_ticks * bs_clock.tick_ns),
        .cost = cost_of(run, &row->step),
        .error = row->step.error_ticks > 0
                     ? (uint32_t)in_cost_units(row->step.error_ticks, 1, BS_ERROR_MAX)
                     : 0,
        .other_opcode = row->step.other_opcode,
    };
    if (counted) {
        uint64_t *count = bs_output_append(&run->output, BS_SECTION_COUNTS, sizeof(*count), 1);
        if (count)
            *count = executions;
    }
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
    uint64_t both = a->executions + b->executions;
    double part = (double)b->executions / (double)both;
    a->mean_ticks += (b->mean_ticks - a->mean_ticks) * part;
    a->median_ticks = part > 0.5 ? b->median_ticks : a->median_ticks;
    a->min_ticks = b->min_ticks < a->min_ticks ? b->min_ticks : a->min_ticks;
    a->cost_ticks += (b->cost_ticks - a->cost_ticks) * part;
    a->error_ticks = fmax(a->error_ticks, b->error_ticks);
    a->executions = both;
}

static size_t collect_instructions(const struct run *run, struct row *rows) {
    size_t count = 0, merged = 0;
    for (size_t i = 0; i < bs_steps_instructions(run->steps); i++) {
        struct row *row = &rows[count];
        bs_steps_instruction(run->steps, i, &row->step);
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
    if (run->header->flags & BS_IMAGE_DIVERGED)
        run->header->diverged_step = ordered;
    size_t count = collect_instructions(run, rows);
    for (size_t i = 0; i < count; i++) {
        uint64_t each = rows[i].step.executions / bs_steps_repeats(run->steps);
        write_row(run, &rows[i], each ? each : 1, true);
    }
    free(rows);
}
