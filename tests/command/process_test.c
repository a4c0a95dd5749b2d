/* The commands on real interpreters: the awkward stops, the bad inputs, what is left behind. */
#include "check.h"
#include "program.h"

#include <stdlib.h>
#include <string.h>

/* Everything that trace must do at a stop where it works. */
static void check_works(struct program *program) {
    CHECK_SHOWS(program, "trace hot(2)", "Trace of `hot`");
    _cleanup_free_ char *before = program_snapshot(program);
    CHECK_SHOWS(program, "trace hot(3)", "total += i");
    CHECK_SHOWS(program, "profile --warmups 3 --repeats 5 --engine settrace hot(3)", "total += i");
    program_check_unchanged(program, before);
    CHECK(!program->process->progress_shown);
}

static void works_at(const struct interpreter *interpreter, const char *stop) {
    _cleanup_program_ struct program program = program_start(interpreter, stop);
    if (program.process)
        check_works(&program);
}

static void blocked_in_read(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start(interpreter, "read");
    if (!program.process)
        return;
    check_works(&program);
    /* The names of the frame that waits, and of its module. */
    CHECK_SHOWS(&program, "trace hot(inner)", "Trace of `hot`");
    CHECK_ERROR(program_run(&program, "trace hot(outer)"), BS_ERROR_TARGET, "outer");
}

TEST(process, works_while_blocked_in_read) {
    interpreters_each(blocked_in_read);
}

static void in_sleep(const struct interpreter *interpreter) {
    works_at(interpreter, "sleep");
}

TEST(process, works_while_asleep) {
    interpreters_each(in_sleep);
}

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
    check_works(&program);
    CHECK_SHOWS(&program, "trace hot(count - count + 2)", "Trace of `hot`");
}

TEST(process, works_in_a_pure_python_loop) {
    interpreters_each(in_loop);
}

static void with_gil_elsewhere(const struct interpreter *interpreter) {
    works_at(interpreter, "gil");
}

TEST(process, works_while_another_thread_holds_the_gil) {
    interpreters_each(with_gil_elsewhere);
}

static void in_foreign_thread(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start(interpreter, "foreign");
    if (!program.process)
        return;
    program.process->state.selected_tid = program_last_thread(&program);
    CHECK(program.process->state.selected_tid != program.pid);
    CHECK_SHOWS(&program, "status", "__main__: the selected frame belongs to no Python frame");
    check_works(&program);
}

TEST(process, works_in_a_thread_that_is_not_pythons) {
    interpreters_each(in_foreign_thread);
}

static void in_finalizer(const struct interpreter *interpreter) {
    works_at(interpreter, "collect");
}

TEST(process, works_in_a_finalizer_that_the_collector_called) {
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

TEST(process, is_refused_inside_malloc) {
    interpreters_each(inside_malloc);
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

TEST(process, is_refused_after_finalisation) {
    interpreters_each(after_the_end);
}

/* What the user may type, or CALL may do: one sentence, and the process goes on. */
static void bad_calls(const struct interpreter *interpreter) {
    static const struct {
        const char *line, *part;
    } cases[] = {
        {"trace nosuch(1)", "nosuch"},
        {"trace hot(", "hot("},
        {"trace hot(1))", "hot(1))"},
        {"trace hot('", "hot("},
        {"trace 3", "3"},
        {"trace hot", "missing 1 required positional argument"},
        {"trace nosuchmodule:f()", "nosuchmodule"},
        {"trace os._exit(3)", "exit status 3"},
        {"trace sys.exit(4)", ""},
        {"trace os.kill(os.getpid(), 9)", "SIGKILL"},
        {"trace crash()", "SIGSEGV"},
        {"trace --timeout 0.5 forever()", "still running after 0.5 s"},
        {"trace --timeout 0.5 time.sleep(9)", "still running after 0.5 s"},
    };
    _cleanup_program_ struct program program = program_start(interpreter, "read");
    if (!program.process)
        return;
    CHECK_SHOWS(&program, "trace hot(2)", "Trace of `hot`");
    _cleanup_free_ char *before = program_snapshot(&program);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bs_error *error = program_run(&program, cases[i].line);
        bool good = error ? strstr(error->message, cases[i].part) && !strchr(error->message, '\n')
                          : !cases[i].part[0];
        if (!CHECK(good))
            printf("  %s: %s\n", cases[i].line, error ? error->message : "no error");
        bs_error_destroy(error);
    }
    program_check_unchanged(&program, before);
}

TEST(process, bad_calls_give_a_sentence) {
    interpreters_each(bad_calls);
}

static void odd_calls(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start(interpreter, "read");
    if (!program.process)
        return;
    CHECK_SHOWS(&program, "trace raising()", "bottom");
    CHECK_SHOWS(&program, "trace Huge()", "");
    CHECK_SHOWS(&program, "trace Sly()", "");
    CHECK_SHOWS(&program, "trace --max-events 1000 deep(1)", "deep");
    CHECK_SHOWS(&program, "trace --max-events 100 hot(1000)", "hot");
    CHECK_SHOWS(&program, "trace json:dumps([1, 'x'])", "dumps");
    CHECK_SHOWS(&program, "trace sorted([3, 1, 2], key=lambda x: -x)", "lambda");
}

TEST(process, odd_calls_are_traced) {
    interpreters_each(odd_calls);
}

static void over_a_stub(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start(interpreter, "read");
    if (!program.process)
        return;
    program.process->through_host = true;
    CHECK_SHOWS(&program, "status", "on the other side of a stub");
    check_works(&program);
}

TEST(process, works_through_the_host_alone) {
    interpreters_each(over_a_stub);
}

/* What CALL allocates stays in the process's heap, of course; nothing else does. */
static void in_process(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start(interpreter, "read");
    if (!program.process)
        return;
    CHECK_SHOWS(&program, "trace --in-process hot(2)", "Trace of `hot`");
    _cleanup_free_ char *before = program_snapshot(&program);
    CHECK_SHOWS(&program, "trace --in-process hot(2)", "total += i");
    *strstr(before, PROGRAM_MAPPINGS) = '\0';
    program_check_unchanged(&program, before);
}

TEST(process, works_in_process) {
    interpreters_each(in_process);
}

static void in_namespace(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start_apart(interpreter, "gil");
    if (!program.output) {
        check_skip("a PID namespace", "the right to make one");
        return;
    }
    if (!program.process)
        return;
    CHECK_SHOWS(&program, "status", " in " SOURCE_DIR);
    check_works(&program);
    CHECK_ERROR(program_run(&program, "trace --timeout 0.3 forever()"), BS_ERROR_TARGET, "0.3 s");
}

TEST(process, works_in_a_namespace_from_outside) {
    interpreters_each(in_namespace);
}

/* A new session, as when the plugin is loaded again. */
static void with_a_new_session(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start(interpreter, "sleep");
    if (!program.process)
        return;
    CHECK_SHOWS(&program, "trace hot(2)", "Trace of `hot`");
    bs_session_destroy(program.session);
    CHECK_OK(bs_session_create("/nowhere/agent", &program.session));
    CHECK_SHOWS(&program, "trace hot(2)", "Trace of `hot`");
}

TEST(process, the_agent_is_found_by_a_new_session) {
    interpreters_each(with_a_new_session);
}

/* Ctrl-C at callbacks all over a command, in a process that has the agent. */
static void with_ctrl_c(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start(interpreter, "read");
    if (!program.process)
        return;
    CHECK_SHOWS(&program, "trace hot(2)", "Trace of `hot`");
    _cleanup_free_ char *before = program_snapshot(&program);
    bool tripped = true;
    for (unsigned int at = 1; tripped && CHECK(at < 1000); at++) {
        program.process->callbacks = 0;
        program.process->interrupt_at = at;
        program.process->interrupted = false;
        struct bs_error *error = program_run(&program, "trace --timeout 3 forever()");
        tripped = program.process->callbacks >= at;
        if (!CHECK(error && error->code == (tripped ? BS_ERROR_INTERRUPTED : BS_ERROR_TARGET)))
            printf("  callback %u: %s\n", at, error ? error->message : "no error");
        bs_error_destroy(error);
        if (at > 40) /* deep in the run, where one time is like the next */
            at += 20;
        if (at > 100)
            break;
    }
    program.process->interrupt_at = 0;
    program_check_unchanged(&program, before);
    CHECK(!program.process->progress_shown);
}

TEST(process, ctrl_c_anywhere_leaves_nothing) {
    interpreters_each(with_ctrl_c);
}

static void with_status(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start(interpreter, "read");
    if (!program.process)
        return;
    CHECK_SHOWS(&program, "status", interpreter->version);
    CHECK_SHOWS(&program, "status", "GIL          free");
    CHECK_SHOWS(&program, "status", "of CALL are those of read in " SOURCE_DIR);
    CHECK_SHOWS(&program, "status", "dispatch table at 0x");
}

TEST(process, status_knows_every_interpreter) {
    interpreters_each(with_status);
}
