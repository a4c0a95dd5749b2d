#include "inspect/mixed.h"

#include <string.h>

#define NOWHERE SIZE_MAX

/* What the C frame of an evaluator call takes at most, with sanitizers: where the C frame below it
   does not say where it begins. */
#define EVALUATOR_FRAME_BYTES_MAX (64 * 1024)

/* The frames that one evaluator call runs: items start to end (exclusive) of bs_frames. */
struct run {
    size_t start, end;
    size_t native; /* the evaluator's C frame, NOWHERE: not found */
};

struct merge {
    const struct bs_native_stack *natives;
    const struct bs_frames *frames;
    struct run *runs;
    size_t run_count;
    struct bs_mixed mixed;
};

static void split_runs(struct merge *merge) {
    const struct bs_frames *frames = merge->frames;
    size_t start = 0;
    for (size_t i = 0; i < frames->count; i++) {
        if (!frames->items[i].is_entry && i + 1 < frames->count)
            continue;
        merge->runs[merge->run_count++] = (struct run){start, i + 1, NOWHERE};
        start = i + 1;
    }
}

/*
 * The C frame, from number @p first on, in whose part of the stack @p addr lies; the one before
 * @p first is where the search before ended. Functions inlined into one another share a part; the
 * outermost of them is the one that is really there.
 */
static size_t native_around(const struct merge *merge, size_t first, uint64_t addr) {
    const struct bs_native_frame *natives = merge->natives->items;
    uint64_t below = first ? natives[first - 1].cfa_addr : 0;
    for (size_t i = first; i < merge->natives->count; i++) {
        uint64_t cfa = natives[i].cfa_addr;
        bool inlined = i + 1 < merge->natives->count && natives[i + 1].cfa_addr == cfa;
        if (!cfa || inlined)
            continue;
        if (addr >= below && addr < cfa)
            return i;
        below = cfa;
    }
    return NOWHERE;
}

static void place_by_address(struct merge *merge) {
    size_t first = 0;
    for (size_t i = 0; i < merge->run_count; i++) {
        uint64_t addr = merge->frames->items[merge->runs[i].start].native_addr;
        size_t native = addr ? native_around(merge, first, addr) : NOWHERE;
        merge->runs[i].native = native;
        if (native != NOWHERE)
            first = native + 1;
    }
}

static bool is_evaluator(const struct bs_native_stack *natives, size_t native) {
    return bs_evaluator_contains(natives->evaluator, natives->items[native].pc_addr);
}

/*
 * 3.10: one evaluator call a frame. Where there are more calls than frames, the innermost ones have
 * not set their frame yet, or have already put it away; where there are fewer, the walk of the C
 * stack ended early, and the outermost frames have no call.
 */
static void place_in_order(struct merge *merge) {
    size_t calls = 0, run = 0;
    for (size_t i = 0; i < merge->natives->count; i++)
        calls += is_evaluator(merge->natives, i);
    size_t surplus = calls > merge->run_count ? calls - merge->run_count : 0;
    for (size_t i = 0; i < merge->natives->count && run < merge->run_count; i++) {
        if (!is_evaluator(merge->natives, i))
            continue;
        if (surplus)
            surplus--;
        else
            merge->runs[run++].native = i;
    }
}

static void emit_run(struct merge *merge, const struct run *run, bool unplaced) {
    for (size_t i = run->start; i < run->end; i++)
        merge->mixed.items[merge->mixed.count++] =
            (struct bs_mixed_frame){.is_python = true, .unplaced = unplaced, .index = i};
}

/* The first run from number @p run on that has a place. */
static size_t next_placed(const struct merge *merge, size_t run) {
    while (run < merge->run_count && merge->runs[run].native == NOWHERE)
        run++;
    return run;
}

/* Runs without a place go before the next one that has one, or to the end. */
static void emit(struct merge *merge) {
    size_t run = 0, here = next_placed(merge, 0);
    for (size_t i = 0; i < merge->natives->count; i++) {
        bool runs_python = here < merge->run_count && merge->runs[here].native == i;
        for (; runs_python && run < here; run++)
            emit_run(merge, &merge->runs[run], true);
        merge->mixed.items[merge->mixed.count++] = (struct bs_mixed_frame){
            .is_evaluator = runs_python || is_evaluator(merge->natives, i), .index = i};
        if (runs_python) {
            emit_run(merge, &merge->runs[run++], false);
            here = next_placed(merge, run);
        }
    }
    for (; run < merge->run_count; run++)
        emit_run(merge, &merge->runs[run], true);
}

static struct bs_error *find_calls(const struct bs_native_stack *natives,
                                   struct bs_evaluator_calls *ret) {
    const struct bs_native_frame *items = natives->items;
    struct bs_address_range *ranges = calloc(natives->count + 1, sizeof(*ranges));
    *ret = (struct bs_evaluator_calls){.items = ranges};
    if (!ranges)
        return &bs_enomem;
    for (size_t i = 0; i < natives->count; i++) {
        uint64_t end_addr = items[i].cfa_addr, start_addr = i ? items[i - 1].cfa_addr : 0;
        if (end_addr - start_addr > EVALUATOR_FRAME_BYTES_MAX)
            start_addr = end_addr - EVALUATOR_FRAME_BYTES_MAX;
        if (end_addr && is_evaluator(natives, i))
            ranges[ret->count++] = (struct bs_address_range){start_addr, end_addr};
    }
    return NULL;
}

/* Those that are @p state's: they lie side by side. */
static struct bs_evaluator_calls calls_of(const struct bs_evaluator_calls *calls,
                                          const struct bs_running_state *state) {
    size_t start = 0, end = calls->count;
    while (start < end && calls->items[start].end_addr <= state->start_addr)
        start++;
    while (end > start && calls->items[end - 1].end_addr > state->end_addr)
        end--;
    return (struct bs_evaluator_calls){calls->items + start, end - start};
}

/* Take @p more, further out, into @p frames. */
static struct bs_error *append_frames(struct bs_frames *frames, struct bs_frames *more) {
    size_t count = frames->count + more->count;
    struct bs_frame *items = reallocarray(frames->items, count + 1, sizeof(*items));
    if (!items)
        return &bs_enomem;
    frames->items = items;
    for (size_t i = 0; i < more->count; i++)
        items[frames->count++] = more->items[i];
    if (!frames->stopped)
        frames->stopped = bs_take(more->stopped);
    return NULL;
}

static struct bs_error *read_frames(const struct bs_interpreter *python,
                                    const struct bs_running_state *state,
                                    const struct bs_evaluator_calls *calls,
                                    struct bs_frames *frames) {
    _cleanup_frames_ struct bs_frames more = {};
    const struct bs_evaluator_calls own = calls_of(calls, state);
    struct bs_error *error = bs_frames_walk(python, &state->thread, &own, &more);
    return error ? error : append_frames(frames, &more);
}

struct bs_error *bs_mixed_running(const struct bs_interpreter *python,
                                  const struct bs_native_stack *natives,
                                  const struct bs_threads *threads, int tid,
                                  struct bs_running *ret) {
    struct bs_evaluator_calls calls;
    struct bs_error *error = find_calls(natives, &calls);
    if (!error)
        error = bs_running_find(python, threads, tid, &calls, ret);
    free(calls.items);
    return error;
}

struct bs_error *bs_mixed_frames(const struct bs_interpreter *python,
                                 const struct bs_native_stack *natives,
                                 const struct bs_running *running, struct bs_frames *ret) {
    struct bs_evaluator_calls calls;
    struct bs_frames frames = {};
    struct bs_error *error = find_calls(natives, &calls);
    for (size_t i = 0; !error && i < running->count; i++)
        error = read_frames(python, &running->items[i], &calls, &frames);
    free(calls.items);
    if (error)
        bs_frames_deinit(&frames);
    else
        *ret = frames;
    return error;
}

struct bs_error *bs_mixed_merge(const struct bs_interpreter *python,
                                const struct bs_native_stack *natives,
                                const struct bs_frames *frames, struct bs_mixed *ret) {
    struct merge merge = {.natives = natives, .frames = frames};
    _cleanup_free_ struct run *runs = calloc(frames->count + 1, sizeof(*runs));
    struct bs_mixed_frame *items = calloc(natives->count + frames->count + 1, sizeof(*items));
    if (!runs || !items) {
        free(items);
        return &bs_enomem;
    }
    merge.runs = runs;
    merge.mixed.items = items;
    split_runs(&merge);
    if (python->layout.frame_owner == BS_FIELD_ABSENT)
        place_in_order(&merge);
    else
        place_by_address(&merge);
    emit(&merge);
    *ret = merge.mixed;
    return NULL;
}

void bs_mixed_deinit(struct bs_mixed *mixed) {
    free(mixed->items);
    *mixed = (struct bs_mixed){};
}

static bool is_complete(const struct bs_mixed *mixed, const struct bs_frames *frames, size_t i) {
    return mixed->items[i].is_python && !frames->items[mixed->items[i].index].incomplete;
}

size_t bs_mixed_nearest(const struct bs_mixed *mixed, const struct bs_frames *frames,
                        size_t level) {
    size_t start = 0;
    while (start < mixed->count &&
           (mixed->items[start].is_python || mixed->items[start].index != level))
        start++;
    for (size_t i = start; i < mixed->count; i++) {
        if (is_complete(mixed, frames, i))
            return mixed->items[i].index;
    }
    for (size_t i = start; i-- > 0;) {
        if (is_complete(mixed, frames, i))
            return mixed->items[i].index;
    }
    return SIZE_MAX;
}
