/*
 * Damaged targets: pages of a real process with bytes changed, pointers bent and pages missing.
 * Whatever is in them, reading ends soon, with less or with an error that names the place.
 */
#include "check.h"
#include "exercise.h"
#include "inspect/cache.h"
#include "inspect/code_reader.h"
#include "inspect/field.h"
#include "inspect/frames.h"
#include "process.h"
#include "snapshot.h"
#include "told.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS      300
#define SECONDS_MAX 10.0 /* for one damaged target, with sanitizers */

static const struct exercise task = {.codes_max = 200, .name = "recurse"};

/* A snapshot of programs/stops.py at its @p stop-th stop. */
static bool take_snapshot(const struct interpreter *interpreter, size_t stop,
                          struct snapshot *snapshot) {
    static struct told told;
    struct process process;
    struct bs_interpreter python = {};
    struct exercise exercise = task;
    bool taken = process_start(&process, interpreter, "stops.py", NULL);
    for (size_t i = 0; taken && i <= stop; i++) {
        taken = told_next(&process, &told);
        if (i < stop)
            process_send(&process, "go");
    }
    taken = taken && CHECK(snapshot_begin(&process.target, snapshot)) &&
            CHECK_OK(exercise_target(&snapshot->target, &exercise)) &&
            CHECK_EQ(exercise.threads, told.count) && CHECK(exercise.codes > 1) &&
            CHECK(exercise.names > 100) &&
            CHECK_OK(bs_interpreter_find(&snapshot->target, &python));
    if (taken)
        snapshot_seal(snapshot, &python);
    bs_interpreter_deinit(&python);
    told_forget(&told);
    process_end(&process);
    return taken;
}

static bool same_without_process(struct snapshot *snapshot) {
    struct exercise first = task, second = task;
    return CHECK_OK(exercise_target(&snapshot->target, &first)) &&
           CHECK_OK(exercise_target(&snapshot->target, &second)) && CHECK(first.frames > 0) &&
           CHECK_EQ(first.frames, second.frames) && CHECK_EQ(first.codes, second.codes) &&
           CHECK(first.hash == second.hash);
}

/* One mistake somewhere; where it was is printed when it matters. */
static size_t damage(struct snapshot *snapshot, unsigned int *seed) {
    size_t bytes = snapshot_bytes(snapshot);
    size_t position = ((size_t)rand_r(seed) << 16 ^ (size_t)rand_r(seed)) % bytes;
    size_t word = position & ~(size_t)7;
    uint64_t other = snapshot_addr(snapshot, (size_t)rand_r(seed) * 8 % bytes);
    switch (rand_r(seed) % 6) {
    case 0:
        *snapshot_at(snapshot, position) ^= (uint8_t)(1u << rand_r(seed) % 8);
        break;
    case 1:
        *snapshot_at(snapshot, position) = (uint8_t)rand_r(seed);
        break;
    case 2:
        memset(snapshot_at(snapshot, word), 0, 8);
        break;
    case 3:
        memset(snapshot_at(snapshot, word), 0xff, 8);
        break;
    case 4: /* a pointer to some other place */
        memcpy(snapshot_at(snapshot, word), &other, 8);
        break;
    default:
        snapshot->pages[position / SNAPSHOT_PAGE_BYTES]->missing = true;
    }
    return position;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void random_damage_to(const struct interpreter *interpreter) {
    struct snapshot snapshot = {};
    unsigned int seed = 7;
    size_t errors = 0, changed = 0;
    double slowest = 0;
    bool good = take_snapshot(interpreter, 15, &snapshot) && same_without_process(&snapshot);
    struct exercise whole = task;
    if (good)
        CHECK_OK(exercise_target(&snapshot.target, &whole));
    for (size_t i = 0; good && i < ROUNDS; i++) {
        size_t places[8], count = 1 + (size_t)rand_r(&seed) % 8;
        struct exercise exercise = task;
        for (size_t k = 0; k < count; k++)
            places[k] = damage(&snapshot, &seed);
        double start = now();
        struct bs_error *error = exercise_target(&snapshot.target, &exercise);
        double seconds = now() - start;
        slowest = seconds > slowest ? seconds : slowest;
        good = CHECK(seconds < SECONDS_MAX) && CHECK(!error || *error->message);
        errors += error || exercise.errors > whole.errors;
        changed += exercise.hash != whole.hash;
        bs_error_destroy(error);
        for (size_t k = 0; k < count; k++)
            snapshot_restore(&snapshot, places[k]);
    }
    printf("  %d damaged targets of %zu pages: %zu changed, %zu with errors, slowest %.0f ms\n",
           ROUNDS, snapshot.page_count, changed, errors, slowest * 1e3);
    CHECK(!good || same_without_process(&snapshot));
    CHECK(!good || changed > ROUNDS / 20);
    snapshot_end(&snapshot);
}

TEST(inspect_damage, anywhere_ends_in_an_answer) {
    interpreters_each(random_damage_to);
}

struct opened {
    struct snapshot snapshot;
    struct bs_interpreter python;
    struct bs_threads threads;
    struct bs_frames frames;
};

static bool open_snapshot(const struct interpreter *interpreter, struct opened *opened) {
    *opened = (struct opened){};
    return take_snapshot(interpreter, 2, &opened->snapshot) &&
           CHECK_OK(bs_interpreter_find(&opened->snapshot.target, &opened->python)) &&
           CHECK_OK(bs_threads_list(&opened->python, &opened->threads)) &&
           CHECK_OK(
               bs_frames_walk(&opened->python, opened->threads.items, NULL, &opened->frames)) &&
           CHECK(!opened->frames.stopped) && CHECK(opened->frames.count >= 4);
}

static void close_snapshot(struct opened *opened) {
    bs_frames_deinit(&opened->frames);
    bs_threads_deinit(&opened->threads);
    bs_interpreter_deinit(&opened->python);
    snapshot_end(&opened->snapshot);
}

/* Put @p value at @p addr; the word that was there. */
static uint64_t poke(struct opened *opened, uint64_t addr, uint64_t value) {
    uint64_t before = 0;
    uint8_t *at = snapshot_byte(&opened->snapshot, addr);
    if (CHECK(at != NULL)) {
        memcpy(&before, at, 8);
        memcpy(at, &value, 8);
    }
    return before;
}

#define FIELD_ADDR(opened, addr, structure, field)                                                 \
    ((addr) + (uint64_t)(opened)->python.layout.structure##_##field)

static size_t walk_again(struct opened *opened, const char *stopped) {
    _cleanup_frames_ struct bs_frames frames = {};
    CHECK_OK(bs_frames_walk(&opened->python, opened->threads.items, NULL, &frames));
    struct bs_error *why = bs_take(frames.stopped);
    if (stopped)
        CHECK_ERROR(why, why ? why->code : BS_ERROR_CORRUPT, stopped);
    else
        CHECK_OK(why);
    return frames.count;
}

static void damaged_frames_of(const struct interpreter *interpreter) {
    struct opened opened;
    if (open_snapshot(interpreter, &opened)) {
        size_t count = opened.frames.count;
        uint64_t second = opened.frames.items[1].frame_addr;
        uint64_t previous_addr = FIELD_ADDR(&opened, second, frame, previous);
        uint64_t code_addr = FIELD_ADDR(&opened, second, frame, code);
        /* A chain into the void is cut there, one in a circle after a while. */
        uint64_t before = poke(&opened, previous_addr, 0x10);
        CHECK_EQ(walk_again(&opened, "at 0x"), 2);
        poke(&opened, previous_addr, second);
        CHECK_EQ(walk_again(&opened, "frame.previous: more than"), BS_FRAMES_MAX);
        poke(&opened, previous_addr, before);
        /* A frame without a code object loses nothing of the others. */
        before = poke(&opened, code_addr, 0x8000000000000000);
        CHECK_EQ(walk_again(&opened, NULL), count);
        poke(&opened, code_addr, opened.python.runtime_addr);
        CHECK_EQ(walk_again(&opened, NULL), count);
        poke(&opened, code_addr, before);
        CHECK_EQ(walk_again(&opened, NULL), count);
    }
    close_snapshot(&opened);
}

TEST(inspect_damage, to_frames_is_said_and_the_rest_is_read) {
    interpreters_each(damaged_frames_of);
}

/* One field of the code object gets @p value: reading it must fail with @p part in the message. */
static void damage_code(struct opened *opened, uint64_t addr, uint64_t value, const char *part) {
    _cleanup_arena_ struct bs_arena arena = BS_ARENA_INIT;
    struct bs_code code;
    uint64_t before = poke(opened, addr, value);
    struct bs_error *error =
        bs_code_read(&opened->python, opened->frames.items[1].code_addr, &arena, &code);
    CHECK_ERROR(error, error ? error->code : BS_ERROR_CORRUPT, part);
    poke(opened, addr, before);
}

static void damaged_codes_of(const struct interpreter *interpreter) {
    struct opened opened;
    if (open_snapshot(interpreter, &opened)) {
        const struct bs_layout *layout = &opened.python.layout;
        uint64_t code = opened.frames.items[1].code_addr, nothing = 0x10;
        uint64_t elsewhere = opened.python.runtime_addr;
        damage_code(&opened, code + (uint32_t)layout->code_linetable, nothing, "code.linetable");
        damage_code(&opened, code + (uint32_t)layout->code_linetable, elsewhere, "code.linetable");
        damage_code(&opened, code + (uint32_t)layout->code_consts, nothing, "code.consts");
        damage_code(&opened, code + (uint32_t)layout->code_names, code, "code.names");
        damage_code(&opened, code + (uint32_t)layout->code_filename, code, "code.filename");
        damage_code(&opened, code + (uint32_t)layout->object_type, nothing, "code object");
        if (layout->code_localspluskinds != BS_FIELD_ABSENT) {
            damage_code(&opened, code + (uint32_t)layout->code_qualname, nothing, "code.qualname");
            damage_code(&opened, code + (uint32_t)layout->code_exceptiontable, nothing,
                        "code.exceptiontable");
            damage_code(&opened, code + (uint32_t)layout->code_localsplusnames, nothing,
                        "code.localsplusnames");
            damage_code(&opened, code + (uint32_t)layout->object_size, INT64_MAX, "code.size");
            damage_code(&opened, code + (uint32_t)layout->object_size, 0, "code.size");
            damage_code(&opened, code + (uint32_t)layout->object_size, 1 << 20, "code.size");
        } else {
            damage_code(&opened, code + (uint32_t)layout->code_bytecode, nothing, "code.bytecode");
            damage_code(&opened, code + (uint32_t)layout->code_cellvars, nothing, "code.cellvars");
        }
    }
    close_snapshot(&opened);
}

TEST(inspect_damage, to_code_objects_names_the_field) {
    interpreters_each(damaged_codes_of);
}

static void damaged_constants_of(const struct interpreter *interpreter) {
    struct opened opened;
    _cleanup_arena_ struct bs_arena arena = BS_ARENA_INIT;
    struct bs_code code;
    uint64_t consts_addr = 0;
    if (open_snapshot(interpreter, &opened) &&
        CHECK_OK(bs_field(&opened.python, opened.frames.items[1].code_addr, code, consts,
                          &consts_addr))) {
        poke(&opened, FIELD_ADDR(&opened, consts_addr, tuple, items), 0x10);
        if (CHECK_OK(
                bs_code_read(&opened.python, opened.frames.items[1].code_addr, &arena, &code)) &&
            CHECK(code.consts.count > 0))
            CHECK_BYTES(code.consts.items[0].data, code.consts.items[0].length,
                        "<unreadable at 0x10>");
    }
    close_snapshot(&opened);
}

TEST(inspect_damage, to_a_constant_leaves_the_code_object) {
    interpreters_each(damaged_constants_of);
}

static void expect_no_interpreter(struct opened *opened, enum bs_error_code code,
                                  const char *part) {
    _cleanup_interpreter_ struct bs_interpreter python = {};
    CHECK_ERROR(bs_interpreter_find(&opened->snapshot.target, &python), code, part);
}

/* Every word of the table that is used is damaged in turn; that must be noticed and said. */
static void damaged_table_of(const struct interpreter *interpreter) {
    struct opened opened;
    if (interpreter->python < 0x030d0000 || !open_snapshot(interpreter, &opened))
        return;
    uint64_t table = opened.python.runtime_addr;
    size_t noticed = 0;
    uint64_t before = poke(&opened, table, 0);
    expect_no_interpreter(&opened, BS_ERROR_CORRUPT, "xdebugpy");
    poke(&opened, table, before);
    before = poke(&opened, table + 8, 0x030b0000);
    expect_no_interpreter(&opened, BS_ERROR_CORRUPT, "of version 0x30b0000");
    poke(&opened, table + 8, before);
    before = poke(&opened, table + 16, 1);
    expect_no_interpreter(&opened, BS_ERROR_UNSUPPORTED, "free-threaded");
    poke(&opened, table + 16, before);
    for (uint64_t addr = table + 24; addr < table + 24 + 70 * 8; addr += 8) {
        _cleanup_interpreter_ struct bs_interpreter python = {};
        before = poke(&opened, addr, UINT64_MAX);
        struct bs_error *error = bs_interpreter_find(&opened.snapshot.target, &python);
        if (error)
            CHECK(strstr(error->message, "table of offsets is corrupt: ") != NULL);
        noticed += error != NULL;
        bs_error_destroy(error);
        poke(&opened, addr, before);
    }
    printf("  %zu of the first 70 slots are used\n", noticed);
    CHECK(noticed > 40);
    close_snapshot(&opened);
}

TEST(inspect_damage, to_the_table_of_offsets_names_the_slot) {
    interpreters_each(damaged_table_of);
}
