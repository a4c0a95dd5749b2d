/* How a run ends: each way gives its outcome, and the process that asked goes on unchanged. */
#include "check.h"
#include "drive.h"

#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is to come of a run. */
struct ending {
    const char *call, *options;
    enum bs_outcome outcome;
    int number;
    const char *message; /* a part of it; "" of what does not return: there is none */
};

static bool is_said(const struct ending *ending, const char *message) {
    if (!message)
        return false;
    if (!*ending->message && ending->outcome != BS_OUTCOME_RETURNED)
        return !*message;
    return strstr(message, ending->message);
}

#define ELSEWHERE "frame=1\ninside=elsewhere"

static const struct ending unresolved[] = {
    {"nosuch(1)", NULL, BS_OUTCOME_UNRESOLVED, 0, "`nosuch(1)` cannot be found: NameError: name"},
    {"add(nosuch)", NULL, BS_OUTCOME_UNRESOLVED, 0, "arguments of `add(nosuch)`"},
    {"add(1, 2, 3, 4)", NULL, BS_OUTCOME_UNRESOLVED, 0, "takes from 1 to 2 positional arguments"},
    {"add", NULL, BS_OUTCOME_UNRESOLVED, 0, "missing 1 required positional argument: 'a'"},
    {"add(", NULL, BS_OUTCOME_UNRESOLVED, 0, "`add(` is not a Python expression: SyntaxError: "},
    {"add(1) + ", NULL, BS_OUTCOME_UNRESOLVED, 0, "is not a Python expression"},
    {"add('", NULL, BS_OUTCOME_UNRESOLVED, 0, "is not a Python expression"},
    {"x = 1", NULL, BS_OUTCOME_UNRESOLVED, 0, "is not a Python expression"},
    {"add(1, c=1, c=2)", NULL, BS_OUTCOME_UNRESOLVED, 0, "keyword argument repeated"},
    {"add(1, c=1, **{'c': 2})", NULL, BS_OUTCOME_UNRESOLVED, 0, "multiple values for keyword"},
    {"", NULL, BS_OUTCOME_UNRESOLVED, 0, "CALL is empty"},
    {"  ", NULL, BS_OUTCOME_UNRESOLVED, 0, "CALL is empty"},
    {"\xff(1)", NULL, BS_OUTCOME_UNRESOLVED, 0, "not UTF-8"},
    {"VALUE", NULL, BS_OUTCOME_UNRESOLVED, 0, "`VALUE` is of type int and not callable: give"},
    {"VALUE(1)", NULL, BS_OUTCOME_UNRESOLVED, 0, "calls something of type int, which is not"},
    {"add(1) + 1", NULL, BS_OUTCOME_UNRESOLVED, 0, "is of type int and not callable"},
    {"nosuchmodule:f()", NULL, BS_OUTCOME_UNRESOLVED, 0, "`nosuchmodule` cannot be imported: Mod"},
    {"json:nosuch()", NULL, BS_OUTCOME_UNRESOLVED, 0, "name 'nosuch' is not defined"},
    {"add(leave())", NULL, BS_OUTCOME_UNRESOLVED, 0, "SystemExit: 5"},
    {"Point(1)", NULL, BS_OUTCOME_UNRESOLVED, 0, "missing 1 required positional argument: 'y'"},
    {"nosuch(1)", "profile=1", BS_OUTCOME_UNRESOLVED, 0, "cannot be found"},
    {"add(1)", ELSEWHERE, BS_OUTCOME_UNRESOLVED, 0, "does not see: give __main__:CALL: NameError"},
    {"abs(VALUE)", ELSEWHERE, BS_OUTCOME_UNRESOLVED, 0, "`abs(VALUE)` uses a name of __main__"},
    {"nosuch(1)", ELSEWHERE, BS_OUTCOME_UNRESOLVED, 0, "`nosuch(1)` cannot be found: NameError"},
    {"add()", "profile=1", BS_OUTCOME_UNRESOLVED, 0, "cannot be called: TypeError"},
};

static const struct ending resolved[] = {
    {"add(1, *[2], **{'c': 3})", NULL, BS_OUTCOME_RETURNED, 0, ""},
    {" add ( 1 ) ", NULL, BS_OUTCOME_RETURNED, 0, ""},
    {"add(1, (lambda: VALUE)())", NULL, BS_OUTCOME_RETURNED, 0, ""},
    {"sum(iter([1, 2]))", "profile=1", BS_OUTCOME_RETURNED, 0, ""},
    {"add_up", NULL, BS_OUTCOME_RETURNED, 0, ""},
    {"lambda: add(1)", NULL, BS_OUTCOME_RETURNED, 0, ""},
    {"(lambda x: add(x))(1)", NULL, BS_OUTCOME_RETURNED, 0, ""},
    {"Point.Inner.make(1)", NULL, BS_OUTCOME_RETURNED, 0, ""},
    {"Point(1, 2).norm", NULL, BS_OUTCOME_RETURNED, 0, ""},
    {"os.path:join('a', 'b:c')", NULL, BS_OUTCOME_RETURNED, 0, ""},
    {"collections:Counter.most_common(COUNTED, VALUE)", NULL, BS_OUTCOME_RETURNED, 0, ""},
    {"json : dumps({'a': [1]})", NULL, BS_OUTCOME_RETURNED, 0, ""},
    {"add(local, len(text))", "frame=1", BS_OUTCOME_RETURNED, 0, ""},
    {"add(*[local for _ in text[:2]])", "frame=1", BS_OUTCOME_RETURNED, 0, ""},
    {"add(local)", NULL, BS_OUTCOME_UNRESOLVED, 0, "name 'local' is not defined"},
    {"os.path:join(text, text)", "frame=1", BS_OUTCOME_RETURNED, 0, ""},
    {"len([1])", NULL, BS_OUTCOME_RETURNED, 0, "int"},
    {"numbers(1)", NULL, BS_OUTCOME_RETURNED, 0, "generator"},
    {"step(1)", NULL, BS_OUTCOME_RETURNED, 0, "coroutine"},
    {"__main__:add(VALUE)", ELSEWHERE, BS_OUTCOME_RETURNED, 0, ""},
    {"eval('add(VALUE)')", NULL, BS_OUTCOME_RETURNED, 0, ""},
    {"eval('add(VALUE)')", "profile=1\nrepeats=3\nwarmups=3", BS_OUTCOME_RETURNED, 0, ""},
    {"eval('add(local, len(text))')", "frame=1", BS_OUTCOME_RETURNED, 0, ""},
    {"exec('def f(): return later()\\ndef later(): return 1\\nf()')", NULL, BS_OUTCOME_RETURNED, 0,
     ""},
};

static const struct ending ended[] = {
    {"fail('boom')", NULL, BS_OUTCOME_RAISED, 0, "ValueError: boom"},
    {"fail('boom')", "profile=1", BS_OUTCOME_RAISED, 0, "ValueError: boom"},
    {"len(1)", NULL, BS_OUTCOME_RAISED, 0, "TypeError: object of type 'int' has no len()"},
    {"leave()", NULL, BS_OUTCOME_RAISED, 0, "SystemExit: 5"},
    {"endless()", NULL, BS_OUTCOME_RAISED, 0, "RecursionError: "},
    {"endless()", "profile=1\nrepeats=3\nwarmups=3", BS_OUTCOME_RAISED, 0, "RecursionError: "},
    {"leave_at_once()", NULL, BS_OUTCOME_EXITED, 9, ""},
    {"leave_at_once()", "profile=1", BS_OUTCOME_EXITED, 9, ""},
    {"os:_exit(0)", NULL, BS_OUTCOME_EXITED, 0, ""},
    {"exit_c()", NULL, BS_OUTCOME_EXITED, 3, ""},
    {"kill_itself()", NULL, BS_OUTCOME_CRASHED, SIGKILL, ""},
    {"kill_itself(15)", NULL, BS_OUTCOME_CRASHED, SIGTERM, ""},
    {"kill_itself(11)", NULL, BS_OUTCOME_CRASHED, SIGSEGV, ""},
    {"kill_itself(5)", NULL, BS_OUTCOME_CRASHED, SIGTRAP, ""},
    {"spoil_run()", NULL, BS_OUTCOME_RETURNED, 0, ""},
    {"abort()", NULL, BS_OUTCOME_CRASHED, SIGABRT, ""},
    {"fail_assertion()", NULL, BS_OUTCOME_CRASHED, SIGABRT, "f.c:7: f: Assertion `x > 1' failed"},
    {"fail_fatally()", NULL, BS_OUTCOME_CRASHED, SIGABRT, "Fatal Python error: "},
    {"fail_fatally()", "profile=1", BS_OUTCOME_CRASHED, SIGABRT, "out of luck"},
    {"give_up()", NULL, BS_OUTCOME_CRASHED, SIGABRT, "wrote to standard error: what(): it is late"},
    {"give_up(100_000)", NULL, BS_OUTCOME_CRASHED, SIGABRT, ": 99998 99999 what(): it is late"},
    {"give_up(0, 4)", NULL, BS_OUTCOME_EXITED, 4, "standard error: what(): it is late"},
    {"crash()", NULL, BS_OUTCOME_CRASHED, SIGSEGV, ""},
    {"overflow_stack()", NULL, BS_OUTCOME_CRASHED, SIGSEGV, ""},
    {"hang()", "timeout=0.3", BS_OUTCOME_TIMED_OUT, 0, ""},
    {"hang()", "profile=1\ntimeout=0.3", BS_OUTCOME_TIMED_OUT, 0, ""},
    {"sleep(60)", "timeout=0.3", BS_OUTCOME_TIMED_OUT, 0, ""},
    {"hang()", "cancel=0.2", BS_OUTCOME_INTERRUPTED, 0, ""},
    {"sleep(60)", "profile=1\ncancel=0.2", BS_OUTCOME_INTERRUPTED, 0, ""},
    /* The debugger was killed. */
    {"hang()", "traced=1\ntimeout=30", BS_OUTCOME_INTERRUPTED, 0, ""},
    /* A debugger before this one was killed. */
    {"add(1)", "forgotten=1\ntimes=10", BS_OUTCOME_RETURNED, 0, ""},
    {"add(1)", "forgotten=1\ntimes=10\nin_process=1", BS_OUTCOME_RETURNED, 0, ""},
    {"set_trace()", NULL, BS_OUTCOME_REFUSED, 0, "sets a trace function of its own"},
    {"exchange_trace()", NULL, BS_OUTCOME_REFUSED, 0, "sets a trace function of its own"},
    {"set_trace()", "profile=1", BS_OUTCOME_REFUSED, 0, "sets a trace function of its own"},
    {"fork_and_return()", NULL, BS_OUTCOME_RETURNED, 0, ""},
    {"fork_and_return()", "profile=1", BS_OUTCOME_RETURNED, 0, ""},
    {"leave_child()", "left=1", BS_OUTCOME_RETURNED, 0, ""},
    {"leave_many()", "left=1", BS_OUTCOME_RETURNED, 0, ""},
    {"start_thread()", NULL, BS_OUTCOME_RETURNED, 0, ""},
    {"start_thread()", "profile=1", BS_OUTCOME_RETURNED, 0, ""},
    {"install_handlers()", NULL, BS_OUTCOME_RETURNED, 0, ""},
    {"print_lines()", NULL, BS_OUTCOME_RETURNED, 0, ""},
    {"use_files()", NULL, BS_OUTCOME_RETURNED, 0, ""},
    {"use_files()", "profile=1", BS_OUTCOME_RETURNED, 0, ""},
    {"stop_waiting()", NULL, BS_OUTCOME_RETURNED, 0, ""},
    {"add(1)", "break=PyOS_AfterFork_Child", BS_OUTCOME_RETURNED, 0, ""},
    {"add(1)", "break=PyEval_EvalCode\nprofile=1", BS_OUTCOME_RETURNED, 0, ""},
    {"add(1)", "break=waitpid", BS_OUTCOME_RETURNED, 0, ""},
    {"crash()", "break=setsid", BS_OUTCOME_CRASHED, SIGSEGV, ""},
    {"take_lock()", "lock=1", BS_OUTCOME_RETURNED, 0, ""},
    {"start_thread()", "lock=1\nprofile=1", BS_OUTCOME_RETURNED, 0, ""},
    {"abort()", "lock=1", BS_OUTCOME_CRASHED, SIGABRT, ""},
    {"hang()", "lock=1\ntimeout=0.3", BS_OUTCOME_TIMED_OUT, 0, ""},
};

#define MAX(endings) (sizeof(endings) / sizeof((endings)[0]))

/* All in one process: what one run left behind, the next would meet. */
static void check_endings(const struct interpreter *interpreter, const struct ending *endings,
                          size_t count) {
    struct run runs[RUNS_MAX] = {};
    for (size_t i = 0; i < count; i++)
        runs[i] = (struct run){.call = endings[i].call, .options = endings[i].options};
    drive(interpreter, CASES, runs, count);
    for (size_t i = 0; i < count; i++) {
        const struct ending *ending = &endings[i];
        const struct bs_image_header *header = &runs[i].header;
        bool right = CHECK_EQ(header->outcome, ending->outcome);
        right = CHECK_EQ(header->outcome_number, ending->number) && right;
        right = CHECK(is_said(ending, runs[i].message)) && right;
        if (!right)
            printf("  %s [%s]: %s\n", ending->call, ending->options ? ending->options : "",
                   runs[i].message ? runs[i].message : "no image");
    }
    drive_release(runs, count);
}

static void check_unresolved(const struct interpreter *interpreter) {
    check_endings(interpreter, unresolved, MAX(unresolved));
}

TEST(endings, unresolved_calls_say_why) {
    interpreters_each(check_unresolved);
}

static void check_resolved(const struct interpreter *interpreter) {
    check_endings(interpreter, resolved, MAX(resolved));
}

TEST(endings, calls_resolve) {
    interpreters_each(check_resolved);
}

static void check_ended(const struct interpreter *interpreter) {
    check_endings(interpreter, ended, MAX(ended));
}

TEST(endings, are_told_apart) {
    interpreters_each(check_ended);
}

/* EPERM as filters have it, EINVAL as emulators that know clone() for fork() and threads only. */
static void refused(const struct interpreter *interpreter) {
    static const struct ending endings[] = {
        {"add(1)", "refused=1", BS_OUTCOME_RETURNED, 0, ""},
        {"add(1)", "refused=22", BS_OUTCOME_RETURNED, 0, ""},
    };
    for (size_t i = 0; i < MAX(endings); i++)
        check_endings(interpreter, &endings[i], 1);
}

TEST(endings, are_the_same_where_the_clone_is_refused) {
    interpreters_each(refused);
}

/* What happened up to a crash, or while hanging, is in the image; and where it crashed. */
static void check_partial(const struct interpreter *interpreter) {
    struct run runs[] = {
        {.call = "crash()"},
        {.call = "leave_at_once()"},
        {.call = "hang()", .options = "timeout=0.3\nmax_events=1000"},
        {.call = "sleep(60)", .options = "timeout=0.3"},
    };
    drive(interpreter, CASES, runs, MAX(runs));
    for (size_t i = 0; i < MAX(runs); i++) {
        if (!CHECK(runs[i].trace && runs[i].trace->event_count > 3))
            continue;
        CHECK_EQ(runs[i].trace->events[0].kind, BS_EVENT_CALL);
        CHECK(runs[i].trace->events[runs[i].trace->event_count - 1].kind != BS_EVENT_STOP);
        CHECK_EQ(runs[i].header.fault_addr != 0, i == 0);
    }
    CHECK(runs[2].header.flags & BS_IMAGE_EVENTS_LOST);
    CHECK(runs[2].header.events_seen > 1000);
    drive_release(runs, MAX(runs));
}

TEST(endings, keep_what_happened_before) {
    interpreters_each(check_partial);
}

#define SHARES "it wrote to memory that the program shares with other processes"

static const struct ending sharing[] = {
    {"write_shared('anonymous')", NULL, BS_OUTCOME_CRASHED, SIGSEGV, SHARES},
    {"write_shared('anonymous')", "profile=1", BS_OUTCOME_CRASHED, SIGSEGV, SHARES},
    {"write_shared('memfd')", NULL, BS_OUTCOME_CRASHED, SIGSEGV, SHARES},
    {"write_shared('named')", NULL, BS_OUTCOME_CRASHED, SIGSEGV, SHARES},
    {"write_shared('ring')", NULL, BS_OUTCOME_CRASHED, SIGSEGV, SHARES},
    {"crash()", NULL, BS_OUTCOME_CRASHED, SIGSEGV, ""},
    {"cut_off.read_byte()", NULL, BS_OUTCOME_CRASHED, SIGBUS, ""},
    {"assert_shared(0)", NULL, BS_OUTCOME_RETURNED, 0, ""},
    {"assert_shared(0)", "profile=1", BS_OUTCOME_RETURNED, 0, ""},
    {"write_shared('file')", NULL, BS_OUTCOME_RETURNED, 0, ""},
    {"write_shared('memfd')", "in_process=1", BS_OUTCOME_RETURNED, 0, ""},
    {"assert_shared(2)", NULL, BS_OUTCOME_RETURNED, 0, ""},
};

/* Others would see it: so the clone has such memory to read only, and files as they are. */
static void check_sharing(const struct interpreter *interpreter) {
    check_endings(interpreter, sharing, MAX(sharing));
}

TEST(endings, leave_alone_what_is_shared_with_other_processes) {
    interpreters_each(check_sharing);
}

static const struct ending sanitized[] = {
    {"overrun()", NULL, BS_OUTCOME_EXITED, 1, "AddressSanitizer: heap-buffer-overflow on address"},
    {"overrun()", "profile=1", BS_OUTCOME_EXITED, 1, "AddressSanitizer: heap-buffer-overflow on a"},
    {"crash()", NULL, BS_OUTCOME_CRASHED, SIGSEGV, ""},
    {"leave_at_once()", NULL, BS_OUTCOME_EXITED, 9, ""},
    {"fork_and_return()", "profile=1", BS_OUTCOME_RETURNED, 0, ""},
    {"add(1)", "in_process=1\nprofile=1", BS_OUTCOME_RETURNED, 0, ""},
    {"add(1)", "break=PyEval_EvalCode\nprofile=1", BS_OUTCOME_RETURNED, 0, ""},
};

/* Where the sanitizer lets CALL go on, and that ends for something else: nothing is left of it. */
static void check_last_of_two(const struct interpreter *interpreter) {
    struct run run = {.call = "overrun_and_fail()"};
    drive(interpreter, CASES, &run, 1);
    CHECK_TEXT(run.message ? strstr(run.message, "failed.") : NULL, "failed.\n");
    drive_release(&run, 1);
}

/* As those who write extensions have it: its runtime goes before an ordinary Python. */
static void check_sanitized(const struct interpreter *interpreter) {
    glob_t found;
    if (glob("/usr/lib*/libasan.so.*", 0, NULL, &found) &&
        glob("/usr/lib/*/libasan.so.*", 0, NULL, &found)) {
        check_skip("AddressSanitizer", "its library");
        return;
    }
    setenv("LD_PRELOAD", found.gl_pathv[0], 1);
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* Python's own would be reported */
    check_endings(interpreter, sanitized, MAX(sanitized));
    setenv("ASAN_OPTIONS", "detect_leaks=0:halt_on_error=0", 1);
    check_last_of_two(interpreter);
    unsetenv("LD_PRELOAD");
    unsetenv("ASAN_OPTIONS");
    globfree(&found);
}

TEST(endings, what_a_sanitizer_finds_is_told) {
    interpreters_each(check_sanitized);
}

/* A watcher that CALL has killed does not answer any more; finishing still works. */
static void check_lost_watcher(const struct interpreter *interpreter) {
    struct run run = {.call = "kill_parent()"};
    int status;
    char *report = drive_unchecked(interpreter, CASES, &run, 1, &status);
    CHECK_EQ(status, 0);
    CHECK_TEXT(report, "the watcher is gone\n");
    free(report);
    drive_release(&run, 1);
}

TEST(endings, survive_the_death_of_the_watcher) {
    interpreters_each(check_lost_watcher);
}

static const struct ending late[] = {
    {"add(1)", "inside=while_forks_are_slow", BS_OUTCOME_REFUSED, 0,
     "a fork hook of the program waits for another thread"},
};
static const struct ending too_late[] = {
    {"sleep(60)", "inside=while_forks_are_slow", BS_OUTCOME_REFUSED, 0,
     "the copy of the process was not ready in time: continue for a moment and try again"},
};

/* A copy that is not ready in time; and one that is, by the time that it is ended for that. */
static void check_late(const struct interpreter *interpreter) {
    check_endings(interpreter, late, 1);
    setenv("LD_PRELOAD", BUILD_DIR "/tests/agent/libslowkill.so", 1);
    check_endings(interpreter, too_late, 1);
    unsetenv("LD_PRELOAD");
}

/* Seconds pass, and the watcher knows nothing of versions: so on one of them, the newest. */
TEST(endings, copies_that_are_not_ready_in_time_say_why) {
    const struct interpreter *newest = interpreters_newest();
    if (newest)
        check_late(newest);
    else
        check_skip("late copies", "python3");
}

static void check_broken_request(const struct interpreter *interpreter) {
    struct run run = {.call = "add(1)", .options = "broken=1"};
    int status;
    char *report = drive_unchecked(interpreter, CASES, &run, 1, &status);
    CHECK_EQ(status, 0);
    CHECK_TEXT(report, "start failed: -22\n"); /* EINVAL */
    free(report);
    drive_release(&run, 1);
}

TEST(endings, broken_requests_are_refused) {
    interpreters_each(check_broken_request);
}

/* As programs do that may not be late: only what a run uses is to cost memory, as it does else. */
static void check_locked(const struct interpreter *interpreter) {
    static const struct ending endings[] = {
        {"add(1)", "locked=1", BS_OUTCOME_RETURNED, 0, ""},
        {"add(1)", "locked=1\nin_process=1", BS_OUTCOME_RETURNED, 0, ""},
    };
    check_endings(interpreter, endings, MAX(endings));
}

TEST(endings, are_the_same_where_memory_is_locked) {
    if (!geteuid()) /* others may not lock as much */
        interpreters_each(check_locked);
}

/* Where CALL does not even begin: @p wanted is what the driver says of that. */
static void check_no_start(const struct interpreter *interpreter, const char *options,
                           const char *wanted) {
    struct run run = {.call = "add(1)", .options = options};
    int status;
    char *report = drive_unchecked(interpreter, CASES, &run, 1, &status);
    CHECK_EQ(status, 0);
    if (!strstr(report, "no privileges"))
        CHECK_TEXT(report, wanted);
    free(report);
    drive_release(&run, 1);
}

static void check_locks_too_much(const struct interpreter *interpreter) {
    /* ENOMEM, where the kernel says EAGAIN. */
    check_no_start(interpreter, "locked=8000000", "start failed: -12\n");
}

TEST(endings, memory_that_may_not_be_locked_is_none) {
    interpreters_each(check_locks_too_much);
}

/* Its first process would be ours, with whose end the program could start no other. */
static void check_apart(const struct interpreter *interpreter) {
    check_no_start(interpreter, "apart=1", "start failed: -18\n"); /* EXDEV */
}

TEST(endings, no_clone_is_first_in_a_namespace) {
    interpreters_each(check_apart);
}
