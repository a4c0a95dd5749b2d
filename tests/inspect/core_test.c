/* Core files, whole and with holes, against the process that they are of. */
#include "check.h"
#include "core_file.h"
#include "exercise.h"
#include "told.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct exercise task = {.codes_max = 500, .evaluator = true, .name = "recurse"};

static bool make_core(const struct process *process, char path[static PATH_MAX]) {
    char command[2 * PATH_MAX];
    snprintf(command, sizeof(command),
             "gdb -nx -q -batch -p %d -ex 'gcore %s/tests/inspect/core' >/dev/null 2>&1",
             process->pid, BUILD_DIR);
    snprintf(path, PATH_MAX, "%s/tests/inspect/core", BUILD_DIR);
    return CHECK(system(command) == 0) && CHECK(!access(path, R_OK));
}

static bool same_as_process(const char *path, const struct process *process) {
    struct exercise live = task, dead = task;
    struct core_file core;
    bool same = CHECK(core_file_open(path, &process->target, &core)) &&
                CHECK_OK(exercise_target(&process->target, &live)) &&
                CHECK_OK(exercise_target(&core.target, &dead)) && CHECK(live.codes > 2) &&
                CHECK_EQ(dead.threads, live.threads) && CHECK_EQ(dead.frames, live.frames) &&
                CHECK_EQ(dead.instructions, live.instructions) &&
                CHECK_EQ(dead.names, live.names) && CHECK_EQ(dead.errors, live.errors) &&
                CHECK(dead.hash == live.hash);
    core_file_close(&core);
    return same;
}

#define PARTS 40

/* Whatever part is lost, what is left is read or an error says what is not there. */
static void with_holes(const char *path, const struct process *process) {
    size_t answers = 0, errors = 0;
    for (size_t part = 0; part < PARTS; part++) {
        struct core_file core;
        struct exercise exercise = task;
        if (!CHECK(core_file_open(path, &process->target, &core)))
            return;
        core.hole_start = core.length * part / PARTS;
        core.hole_end = core.length * (part + 1) / PARTS;
        struct bs_error *error = exercise_target(&core.target, &exercise);
        CHECK(!error || strstr(error->message, "cannot read") != NULL);
        errors += error || exercise.errors;
        answers += exercise.frames > 0;
        bs_error_destroy(error);
        core_file_close(&core);
    }
    CHECK(answers > PARTS / 2 && errors > 0);
    printf("  of %d cores with a hole %zu have frames, %zu have errors\n", PARTS, answers, errors);
}

static void core_of(const struct interpreter *interpreter) {
    static struct told told;
    struct process process;
    char path[PATH_MAX];
    bool good = process_start(&process, interpreter, "stops.py", NULL);
    for (size_t i = 0; good && i < 20; i++) {
        good = told_next(&process, &told);
        if (i < 19)
            process_send(&process, "go");
    }
    if (good && make_core(&process, path)) {
        if (same_as_process(path, &process))
            with_holes(path, &process);
        unlink(path);
    }
    told_forget(&told);
    process_end(&process);
}

TEST(inspect_core, is_read_like_its_process) {
    if (system("gdb --version >/dev/null 2>&1"))
        SKIP("gdb");
    interpreters_each(core_of);
}
