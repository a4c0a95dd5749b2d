/* Threads that the process has and its copy has not, and CALL needs. */
#include "check.h"
#include "program.h"

#include <string.h>

#define POOL   BUILD_DIR "/tests/command/libpool.so"
#define POOLED SOURCE_DIR "/tests/command/programs/pooled.py"
#define NOTE   "libraries that compute in several threads (BLAS, OpenMP) had but one"
#define HINT   "; if it waits for another thread of the process, use --in-process: "

static void pool(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start_file(interpreter, POOLED, POOL);
    if (!program.process)
        return;
    CHECK_SHOWS(&program, "trace --timeout 10 square(3)", "Trace of `square`");
    CHECK_SHOWS(&program, "profile --timeout 20 --warmups 5 --repeats 5 square(3)", NOTE);
}

TEST(threads, libraries_compute_without_their_threads) {
    interpreters_each(pool);
}

static void waits(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start_file(interpreter, POOLED, POOL);
    if (!program.process)
        return;
    CHECK_ERROR(program_run(&program, "trace --timeout 1 stubborn(3)"), BS_ERROR_TARGET, HINT);
}

TEST(threads, what_waits_for_a_thread_is_told_of_in_process) {
    interpreters_each(waits);
}

static void alone(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start(interpreter, "read");
    if (!program.process)
        return;
    CHECK_ERROR(program_run(&program, "trace --timeout 1 forever()"), BS_ERROR_TARGET,
                "; --timeout gives it longer; ");
    CHECK_SHOWS(&program, "profile --warmups 5 --repeats 5 hot(2)", "Profile of `hot(2)`");
    CHECK(!strstr(process_host_output(program.process), NOTE));
}

TEST(threads, nothing_is_said_where_there_are_none) {
    interpreters_each(alone);
}
