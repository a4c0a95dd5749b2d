/* What the program holds goes once, and in the program: never in its copy. */
#include "check.h"
#include "program.h"

#define HELD SOURCE_DIR "/tests/command/programs/held.py"

static void thread(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start_file(interpreter, HELD, "thread");
    if (!program.process)
        return;
    CHECK_SHOWS(&program, "trace add_up(3)", "Trace of `add_up`");
    CHECK_SHOWS(&program, "profile --warmups 5 --repeats 5 add_up(3)", "Profile of `add_up(3)`");
}

static void garbage(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start_file(interpreter, HELD, "garbage");
    if (!program.process)
        return;
    CHECK_SHOWS(&program, "trace add_up(3)", "Trace of `add_up`");
    CHECK_SHOWS(&program, "trace collect()", "Trace of `collect`");
    CHECK_SHOWS(&program, "profile --warmups 5 --repeats 5 collect()", "Profile of `collect()`");
}

TEST(held, by_garbage_that_the_program_has_not_collected) {
    interpreters_each(garbage);
}

TEST(held, by_a_thread_that_is_not_copied) {
    interpreters_each(thread);
}
