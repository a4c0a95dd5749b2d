/*
 * The engine that times the specialised interpreter: stubs in its dispatch table note where it is,
 * and when (stubs.h). What is timed is what runs: nothing is traced, no bytecode is changed.
 *
 * The repeats have a stamp at some dispatches, by a pattern (pattern.h); but the first ones, and
 * those after runs have taken different paths, have one at each: so all has a time where there are
 * few. That gives the instructions in order, and their times with the probe's cost in them. What
 * that cost is depends on the instruction and its neighbours, so it is found out by more runs in
 * which few dispatches get a stamp (refine.h).
 *
 * `where` of its samples is the address of the instruction.
 */
#include "agent/block.h"
#include "agent/child.h"
#include "agent/clock.h"
#include "agent/engine.h"
#include "agent/leaving.h"
#include "agent/probe/correct.h"
#include "agent/probe/find.h"
#include "agent/probe/pattern.h"
#include "agent/probe/refine.h"
#include "agent/probe/repeats.h"
#include "agent/probe/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of one run, 4 MB: what does not fit is folded in the middle of it. */
#define RECORDS (1u << 18)

/* Of these the reference may want so many: some are merged. */
#define BEGINNING (BS_REFERENCE_MAX + BS_REFERENCE_MAX / 4)

/* The first so many repeats have a stamp at each dispatch: who asks for few has all of them. */
#define FULL_REPEATS 16

/* Repeats in a row in one phase of the pattern: the processor learns it. */
#define PHASE_REPEATS 64

/* What slows a machine down for a while lasts some tenths of a second: try to see past it. */
#define REFINE_LEAST_NS 300000000ull

enum installed {
    INSTALLED_NOTHING,
    INSTALLED_ALL,  /* every opcode has its stub */
    INSTALLED_PLAN, /* those of the plan have */
};

/* Places and corrections outlive close: locate and correct need them. */
static struct {
    const struct engine_setup *setup; /* NULL: not open */
    struct bs_finding finding;
    struct bs_record *records; /* RECORDS, and one more that ends them */
    struct bs_record *first;   /* of these, in this run: where in the pattern it begins */
    struct bs_record idle;     /* between runs */
    enum installed installed;
    bool calibrated; /* what comes are repeats */
    double calibrated_ticks;
    bool patterned; /* the records are prepared for the pattern, not for a stamp at each dispatch */
    bool refining;  /* the repeats are over */
    uint64_t refined_since_ns;
    bool drained;                 /* in this run, once at least */
    uint64_t paused_ticks;        /* of this run: draining */
    bool entered;                 /* the first dispatch of this run has a stamp: */
    uint64_t first_stamp;         /* that one */
    bool again[BS_TABLE_ENTRIES]; /* as bs_reference.again */
    struct bs_stream stream;
    struct bs_reference reference;
    struct bs_refine refine;      /* trials NULL: there is none */
    const struct bs_plan *active; /* that is installed */
    enum bs_run_kind kind;        /* of this run, while refining */
    struct bs_repeats repeats;
    struct bs_corrections corrections;
} probe = {.idle = {.action = BS_ACTION_IDLE}};

static bool jit_enabled(void) {
    _object_ jit = bs_module_attr("sys", "_jit"); /* looks like a module, but cannot be imported */
    _object_ ask = jit ? PyObject_GetAttrString(jit, "is_enabled") : NULL;
    _object_ answer = ask ? PyObject_CallNoArgs(ask) : NULL;
    bool yes = answer && PyObject_IsTrue(answer) == 1;
    PyErr_Clear(); /* there is no sys._jit before 3.14 */
    return yes;
}

static const char *why_not(const struct bs_request *request) {
    const char *why = bs_stubs_unsupported();
    if (why)
        return why;
    if (bs_clock.kind != BS_CLOCK_TSC)
        return "the time-stamp counter of this machine is not constant or not synchronised";
    /* Whoever goes through it is in a stub at any time, and that would be taken away. */
    if (request->flags & BS_REQUEST_OTHER_GILS)
        return "the process has interpreters with global locks of their own, whose threads go "
               "through the dispatch table while it is changed";
    return NULL;
}

/* False: the table cannot be written any more. It stays as it is, and what was meant is not run. */
static bool install(enum installed what, const struct bs_plan *plan) {
    const struct bs_table *table = &probe.finding.table;
    void *entries[BS_TABLE_ENTRIES];
    if (probe.installed == what && probe.active == plan)
        return true;
    for (int i = 0; i < BS_TABLE_ENTRIES; i++) {
        bool stub = what == INSTALLED_ALL || (what == INSTALLED_PLAN && plan->patched[i]);
        entries[i] = stub ? probe.finding.stubs.entries[i] : table->handlers[i];
    }
    if (bs_table_patch(table, entries))
        return false;
    probe.installed = what;
    probe.active = plan;
    return true;
}

static void rest(void) {
    probe.finding.stubs.control->cursor = &probe.idle;
}

static double step_ticks(void) {
    return bs_clock.step_ns / bs_clock.tick_ns;
}

/* The first @p count records of a full run, to the reference: of repeats the fastest count. */
static void take_beginning(size_t count) {
    uint64_t ticks = bs_reference_take(&probe.reference, probe.first, count);
    if (ticks)
        bs_fastest_settle(&probe.reference.times, (double)ticks, step_ticks());
}

/* The records so far to the steps; the beginning of a run also to the reference. */
static void hand_on(void) {
    const struct bs_record *end = probe.finding.stubs.control->cursor;
    const size_t count = (size_t)(end - probe.first);
    bs_stream_take(&probe.stream, probe.first, count);
    if (!probe.drained) {
        probe.entered = count && probe.first->action == BS_ACTION_STAMP;
        probe.first_stamp = probe.first->stamp;
        if (!probe.patterned)
            take_beginning(count < BEGINNING ? count : BEGINNING);
    }
    probe.drained = true;
}

/* The records are full, in the middle of CALL. A child that it forked has no use for them. */
static void on_drain(struct bs_stub_control *control) {
    uint64_t start = bs_clock_now();
    if (bs_child_forked) {
        rest();
        return;
    }
    hand_on();
    control->cursor = probe.first;
    uint64_t paused_ticks = bs_clock_now() - start;
    probe.stream.paused_ticks += paused_ticks;
    probe.paused_ticks += paused_ticks;
}

/* Stamp all of the first @p count dispatches, or some, and then do as @p then says. */
static void prepare_stamps(size_t count, bool patterned, enum bs_action then) {
    for (size_t i = 0; i < count; i++)
        probe.records[i].action = patterned ? bs_pattern_action(i) : BS_ACTION_STAMP;
    probe.records[count].action = then;
    probe.patterned = patterned;
}

static void prepare_plan(const struct bs_plan *plan) {
    for (size_t i = 0; i < plan->visit_count; i++)
        probe.records[i].action = plan->stamped[i] ? BS_ACTION_STAMP : BS_ACTION_PASS;
    probe.records[plan->visit_count].action = BS_ACTION_IDLE;
}

/* What outlives close. */
static void forget(void) {
    bs_places_deinit(&probe.finding.places);
    bs_reference_deinit(&probe.reference);
    bs_refine_deinit(&probe.refine);
    bs_corrections_deinit(&probe.corrections);
    probe.repeats = (struct bs_repeats){};
}

static void engine_close(void);

static void note_again(const struct bs_request *request) {
    bool leaves[BS_LEAVING_OPCODES];
    bs_leaving_opcodes(request, leaves);
    for (int i = 0; i < BS_TABLE_ENTRIES; i++)
        probe.again[i] = probe.finding.places.in_code && !leaves[i];
}

static bool engine_open(const struct engine_setup *setup, char *reason, size_t reason_bytes) {
    const char *why = why_not(setup->request);
    char holder[40];
    forget();
    if (why) {
        snprintf(reason, reason_bytes, "%s", why);
        return false;
    }
    if (!bs_find(setup->request, &probe.finding, reason, reason_bytes))
        return false;
    probe.setup = setup;
    probe.calibrated = probe.refining = false;
    probe.records = bs_block_create(RECORDS + 1, sizeof(*probe.records));
    note_again(setup->request);
    probe.stream = (struct bs_stream){.offset_bytes = probe.finding.inference.offset_bytes,
                                      .again = probe.again};
    if (!bs_reference_init(&probe.reference, probe.again) || !probe.records) {
        engine_close();
        snprintf(reason, reason_bytes, "there is no memory for the records");
        return false;
    }
    prepare_stamps(RECORDS, false, BS_ACTION_DRAIN);
    probe.finding.stubs.control->drain = on_drain;
    rest();
    /* The hook that finds out which code runs (profile.c) makes Python throw all of it away. */
    bs_holder_text(bs_holder_numbered(probe.finding.inference.number), holder, sizeof(holder));
    snprintf(reason, reason_bytes, "%s holds the instruction%s", holder,
             jit_enabled() ? "; machine code that Python had made of loops (PYTHON_JIT) was thrown "
                             "away first, and comes back where warm-ups make them hot enough"
                           : "");
    return true;
}

/* Not where a repeat would be less than the pattern, and hardly any longer with all its stamps. */
static bool is_next_patterned(void) {
    return probe.calibrated && bs_repeats_count(&probe.repeats) >= FULL_REPEATS &&
           bs_repeats_dispatches(&probe.repeats) >= BS_PATTERN_PHASES &&
           !bs_steps_diverged(probe.setup->steps);
}

/* Where a run of this kind begins in the pattern of its records. */
static size_t choose_phase(void) {
    if (probe.refining)
        return probe.kind == BS_RUN_PATTERN ? bs_refine_phase(&probe.refine) : 0;
    const bool patterned = is_next_patterned();
    if (patterned != probe.patterned)
        prepare_stamps(RECORDS, patterned, BS_ACTION_DRAIN);
    return patterned ? bs_repeats_count(&probe.repeats) / PHASE_REPEATS % BS_PATTERN_PHASES : 0;
}

static void engine_begin(void) {
    if (!probe.refining || probe.kind == BS_RUN_FULL || probe.kind == BS_RUN_PATTERN)
        install(INSTALLED_ALL, NULL);
    else if (probe.kind == BS_RUN_TRIAL)
        install(INSTALLED_PLAN, bs_refine_plan(&probe.refine));
    else
        install(INSTALLED_NOTHING, NULL);
    probe.drained = false;
    probe.paused_ticks = 0;
    bs_stream_begin(&probe.stream, probe.setup->steps);
    probe.first = probe.records + choose_phase();
    probe.finding.stubs.control->cursor = probe.first;
}

static uint64_t engine_end(uint64_t start_ticks, uint64_t end_ticks) {
    const uint64_t ticks = end_ticks - start_ticks;
    const struct bs_record *end = probe.finding.stubs.control->cursor;
    if (probe.refining) {
        bs_refine_take(&probe.refine, probe.first, (size_t)(end - probe.first), start_ticks,
                       end_ticks);
    } else if (end != &probe.idle) {
        hand_on();
        bs_stream_end(&probe.stream, end_ticks);
        bs_repeats_add(&probe.repeats, probe.patterned, ticks - probe.paused_ticks, &probe.stream);
        if (probe.entered)
            bs_repeats_add_entry(&probe.repeats, bs_stamp_ticks(probe.first_stamp, start_ticks));
    }
    rest();
    return probe.paused_ticks;
}

static void engine_calibrated(double overhead_ticks) {
    probe.calibrated = true;
    probe.calibrated_ticks = overhead_ticks;
    install(INSTALLED_NOTHING, NULL);
    bs_reference_reset(&probe.reference);
    probe.repeats = (struct bs_repeats){};
}

static bool engine_refine(void) {
    bool is_new = false;
    if (!probe.refining) {
        probe.refining =
            bs_refine_init(&probe.refine, &probe.reference,
                           (uint64_t)bs_repeats_dispatches(&probe.repeats), step_ticks());
        if (!probe.refining)
            return false;
        probe.refined_since_ns = bs_clock_system_ns();
    }
    if (bs_clock_system_ns() - probe.refined_since_ns > REFINE_LEAST_NS &&
        bs_refine_settled(&probe.refine))
        return false;
    probe.kind = bs_refine_next(&probe.refine, &is_new);
    if (is_new && (probe.kind == BS_RUN_FULL || probe.kind == BS_RUN_PATTERN))
        prepare_stamps(BEGINNING, probe.kind == BS_RUN_PATTERN, BS_ACTION_IDLE);
    if (is_new && probe.kind == BS_RUN_TRIAL)
        prepare_plan(bs_refine_plan(&probe.refine));
    return probe.kind != BS_RUN_NONE;
}

static bool engine_totals(struct engine_totals *ret) {
    if (!probe.repeats.all.runs)
        return false;
    *ret = (struct engine_totals){};
    if (probe.refining && bs_refine_solve(&probe.refine, probe.calibrated_ticks))
        *ret = (struct engine_totals){
            .without_ticks = bs_refine_bare(&probe.refine),
            .with_ticks = probe.repeats.patterned.runs ? bs_refine_patterned(&probe.refine) : 0,
            .aftermath_part = probe.refine.aftermath.part * BS_AFTERMATH_REACH,
        };
    const struct bs_repeated repeated =
        bs_repeats_tell(&probe.repeats, bs_steps_diverged(probe.setup->steps),
                        bs_refine_bare(&probe.refine), probe.calibrated_ticks, step_ticks());
    bs_corrections_make(&probe.corrections, &probe.reference, &probe.refine, &probe.stream,
                        &repeated);
    ret->entry_ticks = probe.corrections.entry_ticks;
    ret->patterned = probe.repeats.patterned.runs > probe.repeats.all.runs;
    return true;
}

static void engine_close(void) {
    if (!probe.setup)
        return;
    /* Where the table stays as it is, Python goes on through the stubs, and they do nothing. */
    if (install(INSTALLED_NOTHING, NULL))
        bs_stubs_destroy(&probe.finding.stubs);
    probe.installed = INSTALLED_NOTHING;
    probe.active = NULL;
    bs_table_deinit(&probe.finding.table);
    bs_block_destroy(probe.records);
    probe.records = NULL;
}

static void engine_abandon(void) {
    bs_table_abandon();
    probe.installed = INSTALLED_NOTHING;
    probe.active = NULL;
}

static bool engine_locate(uint64_t where, uint32_t *ret_code, uint32_t *ret_offset_units) {
    return bs_places_find(&probe.finding.places, probe.setup->codes, (uintptr_t)where, ret_code,
                          ret_offset_units);
}

static void engine_correct(size_t index, struct step *step) {
    bs_correct(&probe.corrections, index, step);
}

const struct engine bs_engine_probe = {
    .kind = BS_ENGINE_PROBE,
    .name = "probe",
    .open = engine_open,
    .begin = engine_begin,
    .end = engine_end,
    .calibrated = engine_calibrated,
    .refine = engine_refine,
    .totals = engine_totals,
    .close = engine_close,
    .abandon = engine_abandon,
    .locate = engine_locate,
    .correct = engine_correct,
};
