/* Calls of every kind on real interpreters, good and bad, and what is left behind. */
#include "check.h"
#include "command/complete.h"
#include "format/request.h"
#include "program.h"

#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/wait.h>
#include <unistd.h>

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
        {"trace leaves()", " in leaves; "},
        {"trace sys.exit(4)", ""},
        {"trace os.kill(os.getpid(), 9)", "SIGKILL"},
        {"trace crash()", "SIGSEGV"},
        {"trace --timeout 0.5 forever()", "still running after 0.5 s"},
        {"trace --timeout 0.5 --max-events 9 forever()",
         " events, of which the first 9 were kept, the last of them at "},
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

static void builds(const struct interpreter *interpreter) {
    const bool debug = interpreter_is_debug(interpreter);
    _cleanup_program_ struct program program = program_start(interpreter, "read");
    if (!program.process)
        return;
    CHECK_SHOWS(&program, "status", debug ? ", running; a debug build, " : ", running\n");
    CHECK_SHOWS(&program, "profile --warmups 5 --repeats 5 hot(2)", "Profile of `hot(2)`");
    CHECK_EQ(strstr(process_host_output(program.process), "this Python is a debug build: ") != NULL,
             debug);
}

TEST(process, debug_builds_are_told) {
    interpreters_each(builds);
}

static void over_a_stub(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start(interpreter, "read");
    if (!program.process)
        return;
    program.process->through_host = true;
    CHECK_SHOWS(&program, "status", "on the other side of a stub");
    program_check_works(&program);
}

TEST(process, works_through_the_host_alone) {
    interpreters_each(over_a_stub);
}

/* Again and again: each copy finds the event loop's set as the process has it. */
static void event_loop(const struct interpreter *interpreter) {
    static const char *const calls[] = {
        "trace loop.unregister(source)", "trace loop.unregister(source)",
        "trace loop.register(end)",      "trace loop.register(end)",
        "trace loop.modify(source, 0)",  "trace loop.unregister(source)",
    };
    _cleanup_program_ struct program program = program_start(interpreter, "wait_for_events");
    if (!program.process)
        return;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        CHECK_OK(program_run(&program, calls[i]));
        const char *output = process_host_output(program.process);
        if (!CHECK(!strstr(output, "Error")))
            printf("  %s: %s\n", calls[i], output);
    }
}

TEST(process, what_an_event_loop_waits_for_is_its_own) {
    interpreters_each(event_loop);
}

static void connected(const struct interpreter *interpreter) {
    static const struct {
        const char *stop;
        bool told;
    } stops[] = {{"talk", true}, {"talk_by_name", true}, {"talk_to_nobody", false}};
    for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++) {
        _cleanup_program_ struct program program = program_start(interpreter, stops[i].stop);
        if (!program.process)
            return;
        struct bs_error *error = program_run(&program, "trace os._exit(1)");
        CHECK(error && strstr(error->message, "is unharmed"));
        CHECK_EQ(error && strstr(error->message, ", but have it close a connection over which "),
                 stops[i].told);
        bs_error_destroy(error);
    }
}

TEST(process, a_connection_that_call_may_have_used_is_told_of) {
    interpreters_each(connected);
}

static void display(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start(interpreter, "draw");
    if (!program.process)
        return;
    CHECK_SHOWS(&program, "trace display.send(b'x')", "it raised OSError: ");
    CHECK_SHOWS(&program, "trace drawn.recv(1)", "it raised BlockingIOError: ");
    CHECK_ERROR(program_run(&program, "trace os._exit(1)"), BS_ERROR_TARGET,
                "status 1; if it uses the display, which a copy of the process must not, use "
                "--in-process; ");
}

TEST(process, nothing_is_drawn_by_a_copy) {
    interpreters_each(display);
}

/* A copy of the agent that says that it is for another machine, of which there are two here. */
static void write_foreign_agent(int fd) {
    Elf64_Ehdr header;
    int agent = open(BUILD_DIR "/libbytesight_agent.so", O_RDONLY | O_CLOEXEC);
    if (CHECK(agent >= 0) && CHECK(read(agent, &header, sizeof(header)) == sizeof(header))) {
        header.e_machine = header.e_machine == EM_AARCH64 ? EM_X86_64 : EM_AARCH64;
        CHECK(write(fd, &header, sizeof(header)) == sizeof(header));
        while (sendfile(fd, agent, NULL, 1 << 20) > 0)
            continue;
    }
    close(agent);
}

/* As across a stub, from a machine of another kind. */
static void foreign(const struct interpreter *interpreter) {
    static const char refused[] = ", and the process is one for ";
    char path[] = "/tmp/bytesight-agent-XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);
    _cleanup_program_ struct program program = program_start(interpreter, "read");
    if (program.process && CHECK(fd >= 0)) {
        write_foreign_agent(fd);
        free(program.session->agent_path);
        program.session->agent_path = strdup(path);
        _cleanup_free_ char *before = program_snapshot(&program);
        CHECK_ERROR(program_run(&program, "trace hot(2)"), BS_ERROR_UNSUPPORTED, refused);
        CHECK_SHOWS(&program, "status", refused);
        program_check_unchanged(&program, before);
    }
    close(fd);
    unlink(path);
}

TEST(process, an_agent_for_another_machine_is_named) {
    interpreters_each(foreign);
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

/* What the process has of memory that is in no file, and 0 after a failed check. */
static long anonymous_kb(pid_t pid) {
    char path[40], line[200];
    long found = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *status = fopen(path, "r");
    while (CHECK(status) && !found && fgets(line, sizeof(line), status)) {
        if (!strncmp(line, "RssAnon:", 8))
            found = strtol(line + 8, NULL, 10);
    }
    if (status)
        fclose(status);
    return CHECK(found) ? found : 0;
}

/* Nor does the C library keep more for itself, for what a profile has given back to it. */
static void keeps_no_memory(const struct interpreter *interpreter) {
    static const char *const commands[] = {
        "profile --in-process --repeats 50 hot(2)",
        "profile --in-process --repeats 50 --engine settrace hot(2)",
    };
    _cleanup_program_ struct program program = program_start(interpreter, "read");
    if (!program.process)
        return;
    const long before_kb = anonymous_kb(program.pid);
    for (int i = 0; i < 4; i++)
        CHECK_SHOWS(&program, commands[i % 2], "total += i");
    const long more_kb = anonymous_kb(program.pid) - before_kb;
    if (!CHECK(more_kb < 8 << 10))
        printf("  %ld KB more\n", more_kb);
}

TEST(process, keeps_no_memory_of_profiles_in_process) {
    interpreters_each(keeps_no_memory);
}

/* Many a filter kills for what it does not know; what this one does is not to be seen. */
static void filtered(const struct interpreter *interpreter) {
    static const char refused[] = "has a seccomp filter, which may kill the process";
    char possible[64];
    _cleanup_program_ struct program program = program_start(interpreter, "filtered");
    if (!program.process)
        return;
    CHECK_SHOWS(&program, "status", refused);
    CHECK_SHOWS(&program, "stack", "filtered at ");
    CHECK_ERROR(program_run(&program, "trace hot(2)"), BS_ERROR_STATE, refused);
    CHECK_ERROR(program_run(&program, "trace --in-process hot(2)"), BS_ERROR_STATE, refused);
    CHECK_SHOWS(&program, "trace --trust-seccomp hot(2)", "Trace of `hot`");
    CHECK_OK(program_run(&program, "set trust-seccomp on"));
    snprintf(possible, sizeof(possible), "possible, on thread %d\n", program.pid);
    CHECK_SHOWS(&program, "status", possible);
}

TEST(process, filters_of_system_calls_have_to_be_trusted) {
    interpreters_each(filtered);
}

/* Symbols of another file than the one that runs: no call may be made by them. */
static void upgraded(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start(interpreter, "read");
    if (!program.process)
        return;
    program.process->upgraded = "libc.so";
    CHECK_SHOWS(&program, "status", "libc.so.6 that the debugger has read, but another build");
    CHECK_SHOWS(&program, "stack", "[py]  read at ");
    CHECK_ERROR(program_run(&program, "trace hot(2)"), BS_ERROR_SYMBOLS,
                "another build of it (was it upgraded?): restart the program");
    program.process->upgraded = "python3";
    CHECK_SHOWS(&program, "status", "another build of it");
    CHECK_ERROR(program_run(&program, "stack"), BS_ERROR_SYMBOLS, "another build of it");
    CHECK_ERROR(program_run(&program, "trace hot(2)"), BS_ERROR_SYMBOLS, "another build of it");
    program.process->upgraded = NULL;
    CHECK_SHOWS(&program, "trace hot(2)", "Trace of `hot`");
}

TEST(process, nothing_is_called_by_symbols_of_another_build) {
    interpreters_each(upgraded);
}

static void add_candidate(void *arg, const char *word) {
    struct bs_buffer *buffer = arg;
    bs_buffer_format(buffer, "%s ", word);
}

static void completed(const struct interpreter *interpreter) {
    _cleanup_buffer_ struct bs_buffer candidates = BS_BUFFER_INIT;
    _cleanup_program_ struct program program = program_start(interpreter, "read");
    if (!program.process)
        return;
    bs_complete(program.session, &program.process->host, "trace ho", add_candidate, &candidates);
    CHECK_BYTES(candidates.data, candidates.length, "hold_gil hot ");
}

TEST(process, names_that_can_be_called_complete) {
    interpreters_each(completed);
}

/* As in a container that the debugger does not look into. */
static void rooted(const struct interpreter *interpreter) {
    char hint[64];
    _cleanup_program_ struct program program = program_start(interpreter, "rooted");
    if (!program.process)
        return;
    CHECK_SHOWS(&program, "status", "calls        possible, on thread ");
    snprintf(hint, sizeof(hint), "by `set sysroot /proc/%d/root` in GDB", program.pid);
    program.process->upgraded = "libc.so";
    CHECK_ERROR(program_run(&program, "trace hot(2)"), BS_ERROR_SYMBOLS, hint);
    program.process->upgraded = "python3";
    CHECK_ERROR(program_run(&program, "stack"), BS_ERROR_SYMBOLS, hint);
}

TEST(process, files_under_another_root_are_pointed_at) {
    interpreters_each(rooted);
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
    program_check_works(&program);
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

/* The only child of @p pid, waited for; 0: none came. */
static pid_t child_of(pid_t pid) {
    char path[64];
    int child = 0;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
    for (int tries = 0; !child && tries < 200; tries++) {
        FILE *file = fopen(path, "r");
        if (!file || fscanf(file, "%d", &child) != 1)
            usleep(50000);
        if (file)
            fclose(file);
    }
    return child;
}

/* Kill the only child of @p pid, or @p pid itself, in the middle of a run. */
static pid_t kill_soon(pid_t pid, bool child) {
    pid_t killer = fork();
    if (killer)
        return killer;
    pid_t watcher = child_of(pid), victim = child ? watcher : pid;
    usleep(200000);
    _exit(!watcher || kill(victim, SIGKILL));
}

static void check_killed(pid_t killer) {
    int status = 0;
    CHECK(waitpid(killer, &status, 0) == killer && !status);
}

static void with_watcher_killed(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start(interpreter, "read");
    if (!program.process)
        return;
    CHECK_SHOWS(&program, "trace hot(2)", "Trace of `hot`");
    _cleanup_free_ char *before = program_snapshot(&program);
    pid_t killer = kill_soon(program.pid, true);
    CHECK_ERROR(program_run(&program, "trace forever()"), BS_ERROR_TARGET,
                "the process that watches the clone has died");
    check_killed(killer);
    program_check_unchanged(&program, before);
    CHECK_SHOWS(&program, "trace hot(2)", "Trace of `hot`");
}

TEST(process, a_killed_watcher_is_noticed) {
    interpreters_each(with_watcher_killed);
}

static void when_killed(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start(interpreter, "read");
    if (!program.process)
        return;
    CHECK_SHOWS(&program, "trace hot(2)", "Trace of `hot`");
    pid_t killer = kill_soon(program.pid, false);
    CHECK_ERROR(program_run(&program, "trace forever()"), BS_ERROR_TARGET,
                "was killed while CALL ran in a clone of it");
    check_killed(killer);
    program.killed = true;
}

TEST(process, a_killed_process_is_noticed) {
    interpreters_each(when_killed);
}

static void with_status(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start(interpreter, "read");
    if (!program.process)
        return;
    CHECK_SHOWS(&program, "status", interpreter->version);
    CHECK_SHOWS(&program, "status", "GIL          free");
    CHECK_SHOWS(&program, "status", "of CALL are those of read in " SOURCE_DIR);
    CHECK_SHOWS(&program, "status",
                BS_HAS_PROBE ? "engine       probe;" : "engine       settrace\n");
    CHECK_SHOWS(&program, "status",
                BS_HAS_PROBE ? "probe        dispatch table at 0x"
                             : "probe        none on this architecture, and no C functions");
}

#ifndef __x86_64__
static void without_functions(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start(interpreter, "read");
    if (program.process)
        CHECK_SHOWS(&program, "profile --warmups 10 --repeats 10 hot(2)",
                    "C functions are not shown: this works on x86-64 only");
}

TEST(process, a_profile_says_where_there_are_no_c_functions) {
    interpreters_each(without_functions);
}
#endif

TEST(process, status_knows_every_interpreter) {
    interpreters_each(with_status);
}
