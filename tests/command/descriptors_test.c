/* What the process waits by is as it was, whatever its copy does with it. */
#include "check.h"
#include "program.h"

#include <string.h>

#define DESCRIPTORS SOURCE_DIR "/tests/command/programs/descriptors.py"
#define CROWDED     SOURCE_DIR "/tests/command/programs/crowded.py"

/* Twice: each copy finds them as the process has them. */
static void events(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program =
        program_start_file(interpreter, DESCRIPTORS, "events");
    for (int i = 0; program.process && i < 2; i++) {
        CHECK_SHOWS(&program, "trace use()", "Trace of `use`");
        const char *output = process_host_output(program.process);
        if (!CHECK(!strstr(output, "raised")))
            printf("  %s\n", output);
    }
}

TEST(descriptors, of_events_are_its_own) {
    interpreters_each(events);
}

/* The copy takes some for a moment. */
static void crowded(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start_file(interpreter, CROWDED, "soft");
    if (program.process)
        CHECK_SHOWS(&program, "trace use()", "Trace of `use`");
}

TEST(descriptors, are_its_own_where_the_program_is_at_its_limit) {
    interpreters_each(crowded);
}

static void full(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start_file(interpreter, CROWDED, "hard");
    if (program.process)
        CHECK_ERROR(program_run(&program, "trace use()"), BS_ERROR_TARGET,
                    "hardly any more files, and its copy would share those that it has: let it "
                    "open more of them, as with `prlimit --pid PID --nofile=N`");
}

TEST(descriptors, no_copy_is_made_that_would_share_them) {
    interpreters_each(full);
}
