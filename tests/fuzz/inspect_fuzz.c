/*
 * Reads interpreters out of damaged memory. Snapshots of real processes are taken once; an input
 * is a list of mistakes to make in one of them: which one, then six bytes a mistake.
 */
#include "check.h"
#include "inspect/exercise.h"
#include "inspect/process.h"
#include "inspect/snapshot.h"
#include "inspect/told.h"

#include "inspect/interpreter.h"

#include <stdlib.h>
#include <string.h>

#define SNAPSHOTS_MAX 16
#define MISTAKES_MAX  32
#define STOP          15 /* of programs/stops.py */

static struct snapshot snapshots[SNAPSHOTS_MAX];
static size_t snapshot_count;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What process.c and interpreters.c want of check.h. */
bool check_true(bool holds, const char *expression, const char *file, unsigned int line) {
    if (!holds)
        fprintf(stderr, "%s:%u: does not hold: %s\n", file, line, expression);
    return holds;
}

bool check_int(int64_t actual, int64_t expected, const char *expression, const char *file,
               unsigned int line) {
    return check_true(actual == expected, expression, file, line);
}

void check_skip(const char *what, const char *missing) {
}

static bool take_snapshot(const struct interpreter *interpreter, struct snapshot *snapshot) {
    static struct told told;
    struct process process;
    struct bs_interpreter python = {};
    struct exercise exercise = {.codes_max = 200, .name = "threading.Thread.start"};
    bool taken = process_start(&process, interpreter, "stops.py", NULL);
    for (size_t i = 0; taken && i <= STOP; i++) {
        taken = told_next(&process, &told);
        if (i < STOP)
            process_send(&process, "go");
    }
    taken = taken && snapshot_begin(&process.target, snapshot) &&
            !exercise_target(&snapshot->target, &exercise) &&
            !bs_interpreter_find(&snapshot->target, &python);
    if (taken)
        snapshot_seal(snapshot, &python);
    bs_interpreter_deinit(&python);
    told_forget(&told);
    process_end(&process);
    return taken;
}

/* Inputs are few, since each is a walk through a whole process; let them be long from the start. */
static void add_option(int *argc, char ***argv, const char *option) {
    char **longer = calloc((size_t)*argc + 2, sizeof(*longer));
    if (!longer)
        abort();
    memcpy(longer, *argv, (size_t)*argc * sizeof(*longer));
    longer[(*argc)++] = (char *)option;
    *argv = longer;
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    size_t count;
    add_option(argc, argv, "-len_control=0");
    const struct interpreter *found = interpreters(&count);
    for (size_t i = 0; i < count && snapshot_count < SNAPSHOTS_MAX; i++)
        snapshot_count += take_snapshot(&found[i], &snapshots[snapshot_count]);
    if (!snapshot_count) {
        fprintf(stderr, "needs a CPython 3.10 or later\n");
        exit(1);
    }
    return 0;
}

/* Make the mistake that @p data describes; where. */
static size_t damage(struct snapshot *snapshot, const uint8_t data[static 6]) {
    size_t bytes = snapshot_bytes(snapshot);
    size_t position = (data[0] | data[1] << 8 | (size_t)data[2] << 16) * 4 % bytes;
    uint64_t value = data[4] | (uint64_t)data[5] << 8;
    uint64_t addr = snapshot_addr(snapshot, value * 64 % bytes);
    uint8_t *word = snapshot_at(snapshot, position & ~(size_t)7);
    switch (data[3] % 8) {
    case 0:
        *snapshot_at(snapshot, position) = data[4];
        break;
    case 1:
        *snapshot_at(snapshot, position + data[5] % 4) ^= data[4];
        break;
    case 2:
        memcpy(word, &value, 8);
        break;
    case 3:
        memcpy(word, &addr, 8);
        break;
    case 4:
        value = -value;
        memcpy(word, &value, 8);
        break;
    case 5:
        value <<= data[4] % 48;
        memcpy(word, &value, 8);
        break;
    case 6: /* a pointer to itself */
        addr = snapshot_addr(snapshot, position & ~(size_t)7) - data[4] * 8ull;
        memcpy(word, &addr, 8);
        break;
    default:
        snapshot->pages[position / SNAPSHOT_PAGE_BYTES]->missing = true;
    }
    return position;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t places[MISTAKES_MAX], count = 0;
    if (size < 7)
        return 0;
    struct snapshot *snapshot = &snapshots[data[0] % snapshot_count];
    /* Names are many: not every time. */
    struct exercise exercise = {
        .codes_max = data[0] & 16 ? 0 : 10,
        .name = data[0] & 16 ? "threading.Thread.start" : NULL,
    };
    for (size_t at = 1; at + 6 <= size && count < MISTAKES_MAX; at += 6)
        places[count++] = damage(snapshot, data + at);
    struct bs_error *error = exercise_target(&snapshot->target, &exercise);
    bs_error_destroy(error);
    while (count)
        snapshot_restore(snapshot, places[--count]);
    return 0;
}
