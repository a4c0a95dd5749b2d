/*
 * Python frames read from memory against what the process itself says of them, on every Python.
 */
#include "check.h"
#include "core/decode.h"
#include "inspect/cache.h"
#include "inspect/code_reader.h"
#include "inspect/frames.h"
#include "inspect/gil.h"
#include "told.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STOPS_MIN 66 /* in programs/stops.py; when an object dies is not fixed */

/* The line, from the code object's own table. */
static long line_of(const struct bs_code *code, uint32_t offset_units) {
    struct bs_instructions instructions;
    if (!CHECK_OK(bs_decode(code, &instructions)))
        return -1;
    const struct bs_instruction *at =
        bs_instruction_at(&instructions, offset_units == BS_FRAME_NO_OFFSET ? 0 : offset_units);
    long line = at ? (long)at->line : -1;
    bs_instructions_deinit(&instructions);
    return line;
}

static bool same_frame(const struct bs_interpreter *python, const struct bs_frame *frame,
                       const struct told_frame *told, bool innermost) {
    _cleanup_arena_ struct bs_arena arena = BS_ARENA_INIT;
    struct bs_code code;
    long lasti = frame->offset_units == BS_FRAME_NO_OFFSET ? -1 : 2l * frame->offset_units;
    return CHECK_OK(bs_code_read(python, frame->code_addr, &arena, &code)) &
           CHECK_BYTES(code.qualname.data, code.qualname.length, told->name) &
           CHECK_BYTES(code.filename.data, code.filename.length, told->file) &
           (innermost || (CHECK_EQ(lasti, told->lasti) &
                          CHECK_EQ(line_of(&code, frame->offset_units), told->line)));
}

static bool same_thread(const struct bs_interpreter *python, const struct bs_thread *thread,
                        const struct told_thread *told) {
    _cleanup_frames_ struct bs_frames frames = {};
    size_t complete = 0;
    if (!CHECK_OK(bs_frames_walk(python, thread, NULL, &frames)) || !CHECK(!frames.stopped))
        return false;
    if (told->tid && !CHECK_EQ(thread->tid, told->tid))
        return false;
    for (size_t i = 0; i < frames.count; i++) {
        if (frames.items[i].incomplete)
            continue;
        if (!CHECK_EQ(bs_frames_index(&frames, i), complete) || !CHECK(complete < told->count) ||
            !same_frame(python, &frames.items[i], &told->frames[complete],
                        complete == 0 && !strcmp(told->frames[0].name, "stop")))
            return false;
        complete++;
    }
    return CHECK_EQ(complete, told->count) && CHECK(thread->has_frames == (complete > 0));
}

/* A thread that is about to begin or has ended has no frames, and the process does not list it. */
static size_t with_frames(const struct bs_threads *threads) {
    size_t count = 0;
    for (size_t i = 0; i < threads->count; i++)
        count += threads->items[i].has_frames;
    return count;
}

/* The thread that prints lets the GIL go to wait for us, if not at once. */
static bool is_let_go(const struct process *process, const struct bs_interpreter *python) {
    struct bs_gil gil = {.locked = true};
    for (int tries = 0; tries < 1000 && gil.locked; tries++) {
        /* What was read before is not read again through the cache. */
        struct bs_interpreter now = *python;
        now.target = &process->target;
        if (tries)
            usleep(1000);
        if (!CHECK_OK(bs_gil_read(&now, &gil)))
            return false;
    }
    return CHECK(!gil.locked);
}

static bool same_stop(struct process *process, const struct told *told) {
    struct bs_interpreter python = {};
    struct bs_threads threads = {};
    struct bs_cache cache = {};
    bool same = CHECK_OK(bs_cache_init(&process->target, &cache)) &&
                CHECK_OK(bs_interpreter_find(&cache.target, &python)) &&
                CHECK_EQ(python.state, BS_INTERPRETER_RUNNING) &&
                CHECK_OK(bs_threads_list(&python, &threads)) && CHECK(!threads.stopped) &&
                CHECK_EQ(with_frames(&threads), told->count) && is_let_go(process, &python);
    for (size_t t = 0; same && t < told->count; t++) {
        const struct bs_thread *thread = NULL;
        for (size_t i = 0; i < threads.count; i++) {
            if (threads.items[i].ident == told->threads[t].ident)
                thread = &threads.items[i];
        }
        same = CHECK(thread != NULL) && same_thread(&python, thread, &told->threads[t]);
    }
    bs_threads_deinit(&threads);
    bs_interpreter_deinit(&python);
    bs_cache_deinit(&cache);
    return same;
}

static void frames_of(const struct interpreter *interpreter) {
    static struct told told;
    struct process process;
    size_t stops = 0;
    bool same = process_start(&process, interpreter, "stops.py", NULL);
    while (same && told_next(&process, &told)) {
        same = same_stop(&process, &told);
        stops++;
        process_send(&process, "go");
    }
    if (!same)
        printf("  at stop %zu, in %s of %s\n", stops, told.threads[0].frames[1].name,
               interpreter->name);
    CHECK(!same || stops >= STOPS_MIN);
    told_forget(&told);
    process_end(&process);
}

TEST(inspect_frames, are_what_the_process_says) {
    interpreters_each(frames_of);
}
