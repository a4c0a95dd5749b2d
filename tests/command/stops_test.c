/* Where a program may be stopped, on real interpreters: what works there, and what is refused. */
#include "check.h"
#include "format/request.h"
#include "program.h"

#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static void works_at(const struct interpreter *interpreter, const char *stop) {
    _cleanup_program_ struct program program = program_start(interpreter, stop);
    if (program.process)
        program_check_works(&program);
}

static void blocked_in_read(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start(interpreter, "read");
    if (!program.process)
        return;
    program_check_works(&program);
    /* The names of the frame that waits, and of its module. */
    CHECK_SHOWS(&program, "trace hot(inner)", "Trace of `hot`");
    CHECK_ERROR(program_run(&program, "trace hot(outer)"), BS_ERROR_TARGET, "outer");
    /* Of a module there is the name that CALL begins with. */
    CHECK_SHOWS(&program, "trace fractions:Fraction(inner, 3).limit_denominator(inner)",
                "Trace of `Fraction.limit_denominator`");
    CHECK_ERROR(program_run(&program, "trace fractions:inner"), BS_ERROR_TARGET, "inner");
    CHECK_ERROR(program_run(&program, "trace fractions:hot(2)"), BS_ERROR_TARGET, "hot");
}

TEST(stops, works_while_blocked_in_read) {
    interpreters_each(blocked_in_read);
}

static void in_sleep(const struct interpreter *interpreter) {
    works_at(interpreter, "sleep");
}

TEST(stops, works_while_asleep) {
    interpreters_each(in_sleep);
}

/* Names are the program's: none of them reaches the terminal as a command. */
static void in_file_of_odd_name(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start(interpreter, "odd_name");
    if (program.process)
        CHECK_SHOWS(&program, "status", "in \\x1b[2J.py\n");
}

TEST(stops, names_are_made_harmless) {
    interpreters_each(in_file_of_odd_name);
}

/* Times are computed by arithmetic that CALL knows nothing of. */
static void where_arithmetic_faults(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start(interpreter, "faulting");
    if (!program.process)
        return;
    /* A fault in the process itself would go on for ever. */
    if (!CHECK_SHOWS(&program, "profile --warmups 50 --repeats 50 hot(3)", "total += i"))
        return;
    program_check_works(&program);
    CHECK_SHOWS(&program, "profile --in-process --warmups 50 --repeats 50 hot(3)", "total += i");
}

TEST(stops, works_where_arithmetic_faults) {
    interpreters_each(where_arithmetic_faults);
}

static void in_restricted_text(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start(interpreter, "restricted");
    if (!program.process)
        return;
    program_check_works(&program);
    if (BS_HAS_PROBE)
        CHECK_SHOWS(&program, "profile --repeats 5 --warmups 3 hot(3)",
                    "engine              probe, ");
}

TEST(stops, works_where_there_are_no_builtins) {
    interpreters_each(in_restricted_text);
}

static void in_class_of_own_names(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start(interpreter, "in_class");
    if (!program.process)
        return;
    CHECK_SHOWS(&program, "code hot", "hot at ");
    program_check_works(&program);
}

TEST(stops, works_where_names_are_in_no_dict) {
    interpreters_each(in_class_of_own_names);
}

static void in_frozen_names(const struct interpreter *interpreter) {
    if (interpreter->python < 0x030f0000) {
        check_skip(interpreter->name, "a Python with frozendict");
        return;
    }
    _cleanup_program_ struct program program = program_start(interpreter, "frozen");
    if (!program.process)
        return;
    CHECK_SHOWS(&program, "code hot", "hot at ");
    CHECK_SHOWS(&program, "trace hot(sum(n for n in [2]))", "Trace of `hot`");
    program_check_works(&program);
}

TEST(stops, works_where_globals_are_in_no_dict) {
    interpreters_each(in_frozen_names);
}

#define CROWD_STOPS 12

/* A loop that adds is now and then inside the allocator: then on, as the user would go. */
static void go_where_calls_are_possible(struct program *program) {
    for (int i = 0; i < 100; i++) {
        struct bs_error *error = program_run(program, "trace hot(2)");
        bool refused = error && strstr(error->message, "where no call can be made");
        bs_error_destroy(error);
        if (!refused)
            return;
        process_host_run(program->process, 1);
    }
    CHECK(!"found a place");
}

static void in_loop(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start(interpreter, "loop");
    if (!program.process)
        return;
    go_where_calls_are_possible(&program);
    program_check_works(&program);
    CHECK_SHOWS(&program, "trace hot(count - count + 2)", "Trace of `hot`");
    /*
     * It goes on from the frame as it was, and debug builds look. Not before 3.12: a program that
     * stands between the load and the store of a count, of `int` or None, loses what references
     * the run leaves to that. Later ones count neither.
     */
    if (interpreter->python >= 0x030c0000)
        CHECK_SHOWS(&program, "trace --in-process hot(2)", "Trace of `hot`");
    process_host_run(program.process, 20);
    go_where_calls_are_possible(&program);
    CHECK_SHOWS(&program, "trace hot(3)", "Trace of `hot`");
}

TEST(stops, works_in_a_pure_python_loop) {
    interpreters_each(in_loop);
}

/* Those who wait for the lock are not in the clone, which has to take and drop it all the same. */
static void in_crowd(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start(interpreter, "crowd");
    if (!program.process)
        return;
    uint64_t addr = process_host_symbol(program.process, "getppid");
    for (int i = 0; i < CROWD_STOPS; i++) {
        if (!CHECK(process_host_run_to(program.process, program.pid, addr)))
            return;
        if (!CHECK_SHOWS(&program, "trace hot(2)", "Trace of `hot`"))
            return;
    }
}

TEST(stops, works_while_others_wait_for_the_gil) {
    interpreters_each(in_crowd);
}

static void with_gil_elsewhere(const struct interpreter *interpreter) {
    works_at(interpreter, "gil");
}

TEST(stops, works_while_another_thread_holds_the_gil) {
    interpreters_each(with_gil_elsewhere);
}

static void in_foreign_thread(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start(interpreter, "foreign");
    if (!program.process)
        return;
    program.process->state.selected_tid = program_last_thread(&program);
    CHECK(program.process->state.selected_tid != program.pid);
    CHECK_SHOWS(&program, "status", "__main__: the selected frame belongs to no Python frame");
    program_check_works(&program);
}

TEST(stops, works_in_a_thread_that_is_not_pythons) {
    interpreters_each(in_foreign_thread);
}

static void in_forked(const struct interpreter *interpreter) {
    char holder[64];
    _cleanup_program_ struct program program = program_start_forked(interpreter, "forked");
    if (!program.process)
        return;
    snprintf(holder, sizeof(holder), "held by thread %d, the selected one\n", program.pid);
    CHECK_SHOWS(&program, "status", holder);
    CHECK_SHOWS(&program, "stack", "[py]  forked at ");
    program_check_works(&program);
    CHECK_SHOWS(&program, "trace --in-process hot(2)", "Trace of `hot`");
}

TEST(stops, works_in_a_child_of_which_python_was_not_told) {
    interpreters_each(in_forked);
}

static void in_finalizer(const struct interpreter *interpreter) {
    works_at(interpreter, "collect");
}

TEST(stops, works_in_a_finalizer_that_the_collector_called) {
    interpreters_each(in_finalizer);
}

static void inside_malloc(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start(interpreter, "allocate");
    if (!program.process)
        return;
    uint64_t addr = process_host_symbol(program.process, "malloc");
    if (!CHECK(process_host_run_to(program.process, program.pid, addr)))
        return;
    CHECK_ERROR(program_run(&program, "trace hot(2)"), BS_ERROR_STATE,
                "where no call can be made; type `f ");
}

TEST(stops, is_refused_inside_malloc) {
    interpreters_each(inside_malloc);
}

#define ENTERED_STEPS 60

/* 3.11 and 3.12 link a call to the thread before they write what it runs. */
static void at_the_entrance(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start(interpreter, "enter");
    unsigned int refused = 0;
    if (!program.process)
        return;
    uint64_t addr = process_host_symbol(program.process, "_PyEval_EvalFrameDefault");
    if (!CHECK(process_host_run_to(program.process, program.pid, addr)))
        return;
    for (int i = 0; i < ENTERED_STEPS && CHECK(process_host_step(program.process, program.pid));
         i++) {
        struct bs_error *error = program_run(&program, "trace hot(2)");
        bool entering = error && strstr(error->message, "entering a Python function");
        if (!CHECK(!error || entering))
            printf("  step %d: %s\n", i, error->message);
        refused += entering;
        bs_error_destroy(error);
    }
    const uint32_t minor = interpreter->python >> 16 & 0xff;
    CHECK_EQ(refused > 0, minor == 11 || minor == 12);
}

TEST(stops, is_refused_where_a_frame_is_not_there_yet) {
    interpreters_each(at_the_entrance);
}

static void after_the_end(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start(interpreter, "sleep");
    if (!program.process)
        return;
    uint64_t addr = process_host_symbol(program.process, "_exit");
    program_tell(&program);
    if (!CHECK(process_host_run_to(program.process, program.pid, addr)))
        return;
    struct bs_error *error = program_run(&program, "trace hot(2)");
    CHECK(error && error->code == BS_ERROR_STATE);
    bs_error_destroy(error);
}

TEST(stops, is_refused_after_finalisation) {
    interpreters_each(after_the_end);
}

/* Stop @p path at its very start, before anything but the loader is mapped. */
static pid_t start_stopped(const char *path) {
    pid_t pid = fork();
    int status = 0;
    if (!pid) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        execl(path, path, "-c", "pass", NULL);
        _exit(127);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
    ptrace(PTRACE_DETACH, pid, 0, SIGSTOP);
    return pid;
}

/* Attached to @p pid, which is killed afterwards: what @p line says. */
static struct bs_error *run_and_kill(pid_t pid, const char *line) {
    struct bs_session *session = NULL;
    struct process_host *process = process_host_attach(pid);
    struct bs_error *error = bs_session_create(BUILD_DIR "/libbytesight_agent.so", &session);
    if (!error && process)
        error = bs_session_run(session, &process->host, line);
    bs_session_destroy(session);
    if (process)
        process_host_detach(process);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return error;
}

/* The interpreter is part of the program and not initialised, or a library that is not there yet.
 */
static void before_the_start(const struct interpreter *interpreter) {
    struct bs_error *error = run_and_kill(start_stopped(interpreter->path), "trace f()");
    CHECK(error && (strstr(error->message, "Python is not initialised in this process") ||
                    strstr(error->message, "there is no Python interpreter in this process")));
    bs_error_destroy(error);
    CHECK_OK(run_and_kill(start_stopped(interpreter->path), "status"));
}

TEST(stops, is_refused_before_initialisation) {
    interpreters_each(before_the_start);
}

TEST(stops, is_refused_where_there_is_no_python) {
    const char *const args[] = {"60", NULL};
    pid_t pid;
    FILE *output = program_open("/bin/sleep", args, &pid);
    usleep(50000);
    CHECK_ERROR(run_and_kill(pid, "profile f()"), BS_ERROR_NOT_FOUND,
                "there is no Python interpreter in this process");
    if (output)
        fclose(output);
}
