/*
 * Python frames at stops taken at random, in the middle of anything, against the dump that
 * faulthandler makes at the same place; and how they lie among the C frames there.
 */
#include "check.h"
#include "core/decode.h"
#include "inspect/cache.h"
#include "inspect/code_reader.h"
#include "inspect/mixed.h"
#include "process.h"
#include "process_host.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define STOPS       150 /* BYTESIGHT_STOPS in the environment: another number */
#define MIXED_STOPS 40
#define DUMPED_MAX  100 /* frames that faulthandler dumps: MAX_FRAME_DEPTH of Python/traceback.c */

static void pause_randomly(unsigned int *seed) {
    nanosleep(&(struct timespec){.tv_nsec = 200000 + rand_r(seed) % 3000000}, NULL);
}

static size_t wanted_stops(size_t fallback) {
    const char *wanted = getenv("BYTESIGHT_STOPS");
    return wanted ? strtoul(wanted, NULL, 10) : fallback;
}

struct view {
    struct bs_cache cache;
    struct bs_interpreter python;
    struct bs_threads threads;
    struct bs_frames frames; /* of the main thread */
};

static bool view_open(const struct bs_target *target, struct view *view) {
    memset(view, 0, sizeof(*view));
    return CHECK_OK(bs_cache_init(target, &view->cache)) &&
           CHECK_OK(bs_interpreter_find(&view->cache.target, &view->python)) &&
           CHECK_OK(bs_threads_list(&view->python, &view->threads)) &&
           CHECK_EQ(view->threads.count, 1) &&
           CHECK_OK(bs_frames_walk(&view->python, view->threads.items, NULL, &view->frames));
}

static void view_close(struct view *view) {
    bs_frames_deinit(&view->frames);
    bs_threads_deinit(&view->threads);
    bs_interpreter_deinit(&view->python);
    bs_cache_deinit(&view->cache);
}

/* `  File "FILE", line LINE in NAME`, as faulthandler prints it. */
static bool dump_line(const struct view *view, const struct bs_frame *frame, char *ret,
                      size_t size) {
    _cleanup_arena_ struct bs_arena arena = BS_ARENA_INIT;
    struct bs_instructions instructions;
    struct bs_code code;
    char line[16] = "???";
    if (!CHECK_OK(bs_code_read(&view->python, frame->code_addr, &arena, &code)) ||
        !CHECK_OK(bs_decode(&code, &instructions)))
        return false;
    const struct bs_instruction *at = NULL;
    if (frame->offset_units != BS_FRAME_NO_OFFSET)
        at = bs_instruction_at(&instructions, frame->offset_units);
    if (!at)
        snprintf(line, sizeof(line), "%u", code.first_line);
    else if (at->line != BS_NO_LINE)
        snprintf(line, sizeof(line), "%u", at->line);
    bs_instructions_deinit(&instructions);
    const char *name = code.qualname.data;
    const char *dot = memrchr(name, '.', code.qualname.length);
    name = dot ? dot + 1 : name;
    snprintf(ret, size, "  File \"%.*s\", line %s in %.*s", (int)code.filename.length,
             code.filename.data, line,
             (int)(code.qualname.length - (size_t)(name - code.qualname.data)), name);
    return true;
}

#define LINE_MAX_BYTES 1024

/* What faulthandler will say, made while the process stands still. */
struct dump {
    char lines[DUMPED_MAX][LINE_MAX_BYTES];
    size_t count;
    bool more;
};

static bool expect_dump(const struct view *view, struct dump *dump) {
    dump->count = 0;
    for (size_t i = 0; i < view->frames.count && dump->count < DUMPED_MAX; i++) {
        if (!dump_line(view, &view->frames.items[i], dump->lines[dump->count++], LINE_MAX_BYTES))
            return false;
    }
    dump->more = view->frames.count > dump->count;
    return true;
}

/*
 * How far faulthandler itself comes: "<shim>" is an entry frame (3.12), "<invalid frame>" and "..."
 * end a dump (from 3.14 on the first comes at frames that are fine, and entry frames count towards
 * the limit without being dumped), and 3.13.0 crashes at an entry frame.
 */
enum verdict {
    SAME,
    DIFFERENT,
    CRASHED,
};

static bool is_end(const char *line) {
    return !strcmp(line, "  <invalid frame>") || !strcmp(line, "  ...");
}

static bool is_shim(const char *line) {
    return !strncmp(line, "  File \"<shim>\"", 15);
}

/* A pipe closes a moment before its process can be waited for. */
static bool has_crashed(const struct process *process) {
    for (int i = 0; i < 100; i++) {
        siginfo_t info = {};
        if (!waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid)
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    return false;
}

static enum verdict compare_dump(struct process *process, const struct dump *dump,
                                 size_t *ret_compared) {
    if (!CHECK(process_says_more(process, 5000)) ||
        !CHECK_TEXT(process_read(process), "Stack (most recent call first):"))
        return DIFFERENT;
    for (size_t i = 0; i < dump->count;) {
        /* A dump that ends early is silent; a process that crashes takes its time. */
        int wait_ms = i > DUMPED_MAX / 2 - 5 ? 300 : 5000;
        char *line = process_says_more(process, wait_ms) ? process_read(process) : NULL;
        if (!line && i > DUMPED_MAX / 2 - 5)
            return SAME;
        if (!line)
            return CHECK(has_crashed(process)) ? CRASHED : DIFFERENT;
        if (is_end(line))
            return SAME;
        if (is_shim(line))
            continue;
        if (!CHECK_TEXT(line, dump->lines[i++]))
            return DIFFERENT;
        ++*ret_compared;
    }
    if (dump->more)
        return CHECK_TEXT(process_read(process), "  ...") ? SAME : DIFFERENT;
    while (process_says_more(process, 0)) {
        if (!CHECK(is_shim(process_read(process))))
            return DIFFERENT;
    }
    return SAME;
}

/* Where a call is about to begin: there faulthandler believes what it finds, and prints rubbish. */
static bool is_in_between(const struct view *view) {
    bool readable = !view->frames.stopped;
    for (size_t i = 0; i < view->frames.count; i++)
        readable &= view->frames.items[i].code_addr != 0;
    return !readable;
}

struct tally {
    size_t stops, frames, deepest, incomplete, crashes, in_between;
    unsigned int seed;
};

/* One stop; how it went. */
static enum verdict compare_stop(struct process *process, struct tally *tally) {
    static struct dump dump;
    struct view view;
    enum verdict verdict = DIFFERENT;
    pause_randomly(&tally->seed);
    if (!process_stop(process) || !view_open(&process->target, &view))
        return DIFFERENT;
    if (is_in_between(&view)) {
        tally->in_between++;
        process_continue(process);
        verdict = SAME;
    } else if (expect_dump(&view, &dump)) {
        kill(process->pid, SIGUSR1);
        process_continue(process);
        verdict = compare_dump(process, &dump, &tally->frames);
    }
    tally->stops++;
    tally->crashes += verdict == CRASHED;
    if (view.frames.count > tally->deepest)
        tally->deepest = view.frames.count;
    for (size_t i = 0; i < view.frames.count; i++)
        tally->incomplete += view.frames.items[i].incomplete;
    view_close(&view);
    return verdict;
}

static void dumps_of(const struct interpreter *interpreter) {
    struct tally tally = {.seed = 1};
    size_t wanted = wanted_stops(STOPS);
    enum verdict verdict = CRASHED;
    while (verdict == CRASHED && tally.stops < wanted) {
        struct process process;
        verdict = SAME;
        if (!process_start(&process, interpreter, "busy.py", NULL) ||
            !CHECK(process_read(&process) != NULL))
            verdict = DIFFERENT;
        while (verdict == SAME && tally.stops < wanted)
            verdict = compare_stop(&process, &tally);
        process_end(&process);
    }
    printf("  %zu frames at %zu stops, up to %zu deep, %zu incomplete, %zu times in the "
           "beginning of a call; faulthandler crashed %zu times\n",
           tally.frames, tally.stops, tally.deepest, tally.incomplete, tally.in_between,
           tally.crashes);
    CHECK(tally.in_between <= wanted / 10);
    CHECK(tally.frames > 3 * wanted);
}

TEST(inspect_random, frames_are_those_that_faulthandler_dumps) {
    interpreters_each(dumps_of);
}

struct natives {
    struct bs_native_frame items[4096];
    size_t count;
};

static bool take_native(void *arg, const struct bs_native_frame *frame) {
    struct natives *natives = arg;
    if (natives->count == 4096)
        return false;
    natives->items[natives->count++] = *frame;
    return true;
}

/*
 * From 3.11 on frames are placed by address: then code addresses tell independently whether they
 * were placed right. On 3.10 it is the other way round, and there must be as many of one as of the
 * other. The innermost call of the evaluator may be about to begin or to end.
 */
static bool check_mixed(const struct view *view, const struct bs_evaluator *evaluator,
                        const struct natives *natives, const struct bs_mixed *mixed) {
    size_t calls = 0, bare = 0;
    for (size_t i = 0; i < mixed->count; i++) {
        const struct bs_mixed_frame *item = &mixed->items[i];
        bool runs = i + 1 < mixed->count && mixed->items[i + 1].is_python;
        if (item->is_python) {
            if (!CHECK(!item->unplaced))
                return false;
            continue;
        }
        bool inside = bs_evaluator_contains(evaluator, natives->items[item->index].pc_addr);
        if (!CHECK(inside == item->is_evaluator) || !CHECK(!runs || inside))
            return false;
        bare += inside && !runs;
        if (!CHECK(!inside || runs || !calls))
            return false;
        calls += inside;
    }
    return CHECK(bare <= 1) && CHECK(mixed->count == natives->count + view->frames.count);
}

/* The main thread's stack ends in _start; a walk that loses its way does not come that far. */
static bool is_whole(const struct view *view, const struct natives *natives) {
    uint64_t start_addr = 0;
    const struct bs_target *target = view->cache.source;
    bs_error_destroy(target->lookup(target->arg, "_start", &start_addr));
    uint64_t outermost = natives->count ? natives->items[natives->count - 1].pc_addr : 0;
    return outermost - start_addr < 64;
}

struct mixed_tally {
    size_t stops, calls, lost;
};

static bool mixed_at(struct process *process, struct mixed_tally *tally) {
    static struct natives natives;
    _cleanup_evaluator_ struct bs_evaluator evaluator = {};
    _cleanup_mixed_ struct bs_mixed mixed = {};
    struct process_host *host = process_host_attach(process->pid);
    struct bs_running running;
    struct view view;
    natives.count = 0;
    bool good = host && view_open(&host->host.target, &view) &&
                CHECK_OK(host->host.walk(host->host.arg, process->pid, take_native, &natives)) &&
                CHECK_OK(bs_evaluator_find(&view.python, &evaluator));
    if (good && !is_whole(&view, &natives)) {
        tally->lost++;
    } else if (good) {
        const struct bs_native_stack stack = {natives.items, natives.count, &evaluator};
        bs_frames_deinit(&view.frames);
        good = CHECK_OK(bs_mixed_running(&view.python, &stack, &view.threads,
                                         view.threads.items->tid, &running)) &&
               CHECK_OK(bs_mixed_frames(&view.python, &stack, &running, &view.frames)) &&
               CHECK_OK(bs_take(view.frames.stopped)) &&
               CHECK_OK(bs_mixed_merge(&view.python, &stack, &view.frames, &mixed)) &&
               check_mixed(&view, &evaluator, &natives, &mixed);
        for (size_t i = 0; i < mixed.count; i++)
            tally->calls += mixed.items[i].is_evaluator;
        for (size_t i = 0; !good && i < mixed.count; i++)
            printf("%s%s",
                   mixed.items[i].is_python      ? "p"
                   : mixed.items[i].is_evaluator ? "E"
                                                 : "c",
                   i + 1 == mixed.count ? "\n" : "");
    }
    view_close(&view);
    if (host)
        process_host_detach(host);
    return good;
}

static void mixed_of(const struct interpreter *interpreter) {
    struct process process;
    unsigned int seed = 2;
    struct mixed_tally tally = {};
    size_t wanted = wanted_stops(MIXED_STOPS);
    bool good = process_start(&process, interpreter, "busy.py", NULL) &&
                CHECK(process_read(&process) != NULL);
    for (; good && tally.stops < wanted; tally.stops++) {
        pause_randomly(&seed);
        good = mixed_at(&process, &tally);
    }
    printf("  %zu evaluator calls at %zu stops; %zu times the walk of C frames lost its way\n",
           tally.calls, tally.stops, tally.lost);
    CHECK(tally.lost <= wanted / 4);
    process_end(&process);
}

TEST(inspect_random, python_frames_lie_at_the_evaluators_calls) {
    interpreters_each(mixed_of);
}
