/* The timed part of a profile: warm up, time, measure. The trace pass comes after it (run.c). */
#include "agent/aside.h"
#include "agent/calibrate.h"
#include "agent/clock.h"
#include "agent/engine.h"
#include "agent/quantile.h"
#include "agent/timed.h"
#include "agent/walk.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define REPEATS_LEAST 3          /* whatever the budget */
#define TIMES_MAX     (1u << 20) /* whole runs of which the median is made */

/* Up to which part of the budget each phase may go on. */
#define SHARE_WARM_UP 0.2
#define SHARE_TIME    0.4
#define SHARE_MEASURE 0.7
#define SHARE_REFINE  1.0

/* Refining may take as long as measuring did, and this long in any case; it mostly takes less. */
#define REFINE_LIMIT_NS 2000000000ull

/* And so many runs for each repeat that was asked for: who asks for few wants few. */
#define REFINE_RUNS 110

/* Whether a phase has another run to make: not all done, and time left or too few made. */
static bool go_on(struct run *run, uint32_t done, uint32_t wanted, double share) {
    const uint64_t budget_ns = run->request->budget_ns;
    bs_run_progress(run, done);
    if (done >= wanted)
        return false;
    return done < REPEATS_LEAST || !budget_ns ||
           (double)(bs_clock_system_ns() - run->repeating_ns) < share * (double)budget_ns;
}

/*
 * The first warm-up also finds out which code objects run, so that their specialised forms can be
 * taken before the trace pass. It does so with a profile function, which leaves specialised code
 * nearly alone; the warm-ups after it mend the rest.
 */
static struct codes *discovered;

static int on_discovery(PyObject *self, PyFrameObject *frame, int what, PyObject *arg) {
    if (what == TRACE_CALL && discovered) {
        PyObject *code = (PyObject *)PyFrame_GetCode(frame);
        bs_codes_add(discovered, code, (PyObject *)frame);
        Py_DECREF(code);
    }
    return 0;
}

static bool run_plain(struct run *run) {
    struct ready ready;
    return bs_call_prepare(&run->call, &ready, &run->failure) &&
           bs_run_finish(run, &ready, bs_call_run(&ready));
}

static bool discover(struct run *run) {
    struct ready ready;
    if (!bs_call_prepare(&run->call, &ready, &run->failure))
        return false;
    discovered = &run->codes;
    bs_python.PyEval_SetProfile(on_discovery, NULL);
    PyObject *result = bs_call_run(&ready);
    bs_python.PyEval_SetProfile(NULL, NULL);
    discovered = NULL;
    bool good = bs_run_finish(run, &ready, result);
    if (!(run->request->flags & BS_REQUEST_IN_PROCESS))
        bs_aside_unwatch(&run->codes);
    return good;
}

void bs_profile_abandon(void) {
    discovered = NULL;
}

static bool warm_up(struct run *run) {
    uint32_t wanted = run->request->warmups ? run->request->warmups : 1, done = 0;
    bs_run_phase(run, BS_PHASE_WARM_UP, wanted);
    for (; go_on(run, done, wanted, SHARE_WARM_UP); done++) {
        if (!(done ? run_plain(run) : discover(run)))
            return false;
    }
    run->header->warmups = done;
    return true;
}

/* What bs_walk_run steps. */
struct walked {
    struct ready ready;
    PyObject *result;
};

static void run_walked(void *arg) {
    struct walked *walked = arg;
    walked->result = bs_call_run(&walked->ready);
}

/* Only in a clone, and where asked for: see walk.h, also for when. */
static void prepare_walk(struct run *run) {
    const uint32_t flags = run->request->flags;
    if (!(flags & BS_REQUEST_NATIVE))
        return;
    if (flags & BS_REQUEST_IN_PROCESS)
        bs_walk_write_missing(&run->output, "only a clone can be walked, not the process itself");
    else
        run->walk = bs_walk_create(run->request, run->shared);
}

static bool walk(struct run *run) {
    struct walked walked = {};
    if (!run->walk)
        return true;
    /* After the discovery each code object is instrumented anew as it is next entered (3.12). */
    if (run->header->warmups < 2 && !run_plain(run))
        return false;
    if (!bs_call_prepare(&run->call, &walked.ready, &run->failure))
        return false;
    bs_run_phase(run, BS_PHASE_WALK, 0);
    const uint64_t start_ns = bs_clock_system_ns();
    bs_walk_run(run->walk, run_walked, &walked);
    run->repeating_ns += bs_clock_system_ns() - start_ns;
    return bs_run_finish(run, &walked.ready, walked.result);
}

static double ticks_ns(double ticks) {
    return ticks * bs_clock.tick_ns;
}

/* Whole runs, of all paths that they took. */
struct mean {
    double ticks; /* in all */
    uint32_t runs;
};

static double mean_ns(const struct mean *mean) {
    return mean->runs ? ticks_ns(mean->ticks / mean->runs) : 0;
}

/* How long runs took. */
struct times {
    float *ticks; /* of the first ones, as many as there is room for */
    uint32_t count, room;
    uint64_t fastest_ticks;
};

static bool times_init(struct times *times, uint32_t wanted) {
    *times = (struct times){.room = wanted < TIMES_MAX ? wanted : TIMES_MAX};
    times->ticks = malloc(times->room * sizeof(*times->ticks));
    return times->ticks != NULL;
}

static void times_begin(struct times *times) {
    times->count = 0;
    times->fastest_ticks = UINT64_MAX;
}

static void times_add(struct times *times, uint64_t ticks) {
    if (ticks < times->fastest_ticks)
        times->fastest_ticks = ticks;
    if (times->count < times->room)
        times->ticks[times->count++] = (float)ticks;
}

/*
 * The mean of the runs that took the fastest time, as far as the clock can tell: the minimum itself
 * is short by up to a step of the clock.
 */
static double undisturbed_ns(const struct times *times) {
    const double fastest = (float)times->fastest_ticks;
    const double most = fastest + 2 * bs_clock.step_ns / bs_clock.tick_ns;
    double sum = 0;
    uint32_t taken = 0;
    for (uint32_t i = 0; i < times->count; i++) {
        sum += times->ticks[i] <= most ? times->ticks[i] : 0;
        taken += times->ticks[i] <= most;
    }
    return ticks_ns(taken ? sum / taken : fastest);
}

static bool time_uninstrumented(struct run *run, uint32_t wanted, struct times *times,
                                struct mean *ret) {
    struct bs_image_header *header = run->header;
    times_begin(times);
    bs_run_phase(run, BS_PHASE_TIME, wanted);
    for (; go_on(run, ret->runs, wanted, SHARE_TIME); ret->runs++) {
        const double fastest_ns = ticks_ns((double)times->fastest_ticks);
        uint64_t ticks;
        if (!bs_timed_run(run, NULL, bs_timed_settling(run, fastest_ns), &ticks))
            return false;
        times_add(times, ticks);
        ret->ticks += (double)ticks;
    }
    header->uninstrumented_repeats = ret->runs;
    header->uninstrumented_ns = undisturbed_ns(times);
    header->uninstrumented_median_ns = ticks_ns(bs_quantile(times->ticks, times->count, 0.5));
    return true;
}

static bool measure(struct run *run, uint32_t wanted, struct times *times, struct mean *ret) {
    times_begin(times);
    bs_run_phase(run, BS_PHASE_MEASURE, wanted);
    for (; go_on(run, ret->runs, wanted, SHARE_MEASURE); ret->runs++) {
        uint64_t ticks;
        bs_steps_begin(run->steps);
        if (!bs_timed_run(run, run->engine, 0, &ticks))
            return false;
        bs_steps_end(run->steps);
        times_add(times, ticks);
        ret->ticks += (double)ticks;
    }
    run->header->repeats = bs_steps_repeats(run->steps);
    run->header->instrumented_ns = undisturbed_ns(times);
    return true;
}

/* Runs that the engine wants beyond the repeats, as long as there is time and they are not many. */
static bool refine(struct run *run, uint32_t repeats, uint64_t measured_ns) {
    const struct engine *engine = run->engine;
    const uint64_t start_ns = bs_clock_system_ns();
    const uint64_t limit_ns = measured_ns < REFINE_LIMIT_NS ? REFINE_LIMIT_NS : measured_ns;
    const uint32_t settling = bs_timed_settling(run, run->header->uninstrumented_ns);
    const uint32_t most = repeats < UINT32_MAX / REFINE_RUNS ? repeats * REFINE_RUNS : UINT32_MAX;
    bs_run_phase(run, BS_PHASE_MEASURE, 0);
    for (uint32_t done = 0;
         engine->refine && bs_clock_system_ns() - start_ns < limit_ns &&
         go_on(run, done, most / (settling + 1), SHARE_REFINE) && engine->refine();
         done++) {
        uint64_t ticks;
        if (!bs_timed_run(run, engine, settling, &ticks))
            return false;
    }
    struct engine_totals totals;
    if (engine->totals && engine->totals(&totals)) {
        if (totals.without_ticks > 0)
            run->header->uninstrumented_ns = ticks_ns(totals.without_ticks);
        if (totals.with_ticks > 0)
            run->header->instrumented_ns = ticks_ns(totals.with_ticks);
        run->header->entry_ns = ticks_ns(fmax(totals.entry_ticks, 0));
        run->header->aftermath_ppm = (uint32_t)(totals.aftermath_part * 1e6);
        if (totals.patterned)
            run->header->flags |= BS_IMAGE_PATTERNED;
    }
    return true;
}

static void note_engine(struct run *run, const struct calibration *calibration) {
    struct bs_image_header *header = run->header;
    header->engine = run->engine->kind;
    header->clock = bs_clock.kind;
    header->clock_hz = bs_clock.hz;
    header->clock_step_ns = bs_clock.step_ns;
    header->overhead_ns = ticks_ns(calibration->overhead_ticks);
    header->overhead_spread_ns = ticks_ns(calibration->spread_ticks);
}

/* Where repeats part, the times of instructions are of all paths: so must be those of a run. */
static void take_all_paths(struct run *run, const struct mean *plain, const struct mean *measured) {
    if (!bs_steps_diverged(run->steps))
        return;
    run->header->uninstrumented_ns = mean_ns(plain);
    run->header->instrumented_ns = mean_ns(measured);
}

static bool time_all(struct run *run, uint32_t repeats, struct times *times) {
    struct mean plain = {}, measured = {};
    run->repeating_ns = bs_clock_system_ns();
    if (!warm_up(run) || !walk(run) || !time_uninstrumented(run, repeats, times, &plain))
        return false;
    bs_codes_take_adaptive(&run->codes);
    const uint64_t start_ns = bs_clock_system_ns();
    if (!measure(run, repeats, times, &measured) ||
        !refine(run, repeats, bs_clock_system_ns() - start_ns))
        return false;
    take_all_paths(run, &plain, &measured);
    run->header->flags |= BS_IMAGE_TIMED;
    return true;
}

static bool run_timed(struct run *run, struct engine_setup *setup, uint32_t repeats) {
    struct calibration calibration;
    struct times times;
    if (!times_init(&times, repeats))
        return bs_fail(&run->failure, BS_OUTCOME_REFUSED, "there is no memory for the times");
    bs_calibrate(run->engine, setup, &calibration);
    note_engine(run, &calibration);
    prepare_walk(run);
    bool timed = time_all(run, repeats, &times);
    free(times.ticks);
    return timed;
}

bool bs_profile(struct run *run) {
    const uint32_t repeats = run->request->repeats ? run->request->repeats : 1;
    static struct engine_setup setup; /* until the last locate, which comes after this returns */
    char reason[256];

    bs_run_phase(run, BS_PHASE_CALIBRATE, 0);
    bs_clock_open();
    run->steps = bs_steps_create(run->request->max_events, repeats);
    if (!run->steps)
        return bs_fail(&run->failure, BS_OUTCOME_REFUSED, "there is no memory for the steps");
    setup =
        (struct engine_setup){.request = run->request, .codes = &run->codes, .steps = run->steps};
    run->engine = bs_engine_open(&setup, reason, sizeof(reason));
    if (!run->engine)
        return bs_fail(&run->failure, BS_OUTCOME_REFUSED, "this engine cannot be used: %s", reason);
    run->header->engine_text = bs_output_string(&run->output, reason, strlen(reason));
    bool timed = run_timed(run, &setup, repeats);
    run->engine->close();
    return timed;
}
