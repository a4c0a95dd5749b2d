/* The process that asks is left as it was: driver.py compares, and says what changed. */
#include "check.h"
#include "core/cleanup.h"
#include "drive.h"

#include <stdio.h>
#include <string.h>

/* What the sentence says of a stop that is between two others: it is over the next time. */
static void try_again(const struct interpreter *interpreter, struct run *run) {
    struct run again = {.call = run->call, .options = run->options};
    if (run->header.outcome != BS_OUTCOME_REFUSED || !run->message ||
        !strstr(run->message, "continue for a moment and try again"))
        return;
    printf("  again: %s\n", run->message);
    drive_release(run, 1);
    drive(interpreter, CASES, &again, 1);
    *run = again;
}

static void run_inside(const struct interpreter *interpreter, const char *options) {
    static const char *const places[] = {
        "while_tracing",  "while_tracing_in_c", "while_profiling",       "while_monitoring",
        "while_handling", "while_locked",       "inside_trace_function", "deep",
    };
    enum {
        COUNT = sizeof(places) / sizeof(places[0])
    };
    struct run runs[COUNT] = {};
    char *lines[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        if (asprintf(&lines[i], "inside=%s\n%s", places[i], options) < 0)
            return;
        runs[i] = (struct run){.call = "add_up()", .options = lines[i]};
    }
    drive(interpreter, CASES, runs, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        try_again(interpreter, &runs[i]);
        bool right = CHECK_EQ(runs[i].header.outcome, BS_OUTCOME_RETURNED);
        right = CHECK(runs[i].trace && runs[i].trace->opcode_count > 10) && right;
        if (!right)
            printf("  %s: %s\n", places[i], runs[i].message ? runs[i].message : "no image");
        free(lines[i]);
    }
    drive_release(runs, COUNT);
}

static void run_isolated(const struct interpreter *interpreter) {
    run_inside(interpreter, "in_process=0");
    run_inside(interpreter, "profile=1");
}

TEST(parent, is_unchanged_wherever_it_was_stopped) {
    interpreters_each(run_isolated);
}

static void run_in_process(const struct interpreter *interpreter) {
    run_inside(interpreter, "in_process=1");
    run_inside(interpreter, "in_process=1\nprofile=1");
}

TEST(parent, is_restored_after_running_in_process) {
    interpreters_each(run_in_process);
}

#define TRACED_GENERATOR "in_process=1\ninside=while_holding_a_traced_generator"

static void run_endings_in_process(const struct interpreter *interpreter) {
    struct run runs[] = {
        {.call = "fail('boom')", .options = "in_process=1"},
        {.call = "nosuch()", .options = "in_process=1"},
        {.call = "endless()", .options = "in_process=1"},
        {.call = "set_trace()", .options = "in_process=1"},
        {.call = "sleep(0.05)", .options = "in_process=1\nprofile=1\ntimeout=0.3\nwarmups=1000"},
        {.call = "suspended()", .options = "in_process=1\nprofile=1"},
        {.call = "fork_and_return()", .options = "in_process=1"},
        {.call = "add(local)", .options = "in_process=1\nframe=1"},
        {.call = "resume_held()", .options = TRACED_GENERATOR},
        {.call = "resume_held()", .options = TRACED_GENERATOR "\nprofile=1"},
    };
    static const enum bs_outcome outcomes[] = {
        BS_OUTCOME_RAISED,    BS_OUTCOME_UNRESOLVED, BS_OUTCOME_RAISED,   BS_OUTCOME_REFUSED,
        BS_OUTCOME_TIMED_OUT, BS_OUTCOME_RETURNED,   BS_OUTCOME_RETURNED, BS_OUTCOME_RETURNED,
        BS_OUTCOME_RETURNED,  BS_OUTCOME_RETURNED,
    };
    drive(interpreter, CASES, runs, 10);
    for (size_t i = 0; i < 10; i++) {
        if (!CHECK_EQ(runs[i].header.outcome, outcomes[i]))
            printf("  %s: %s\n", runs[i].call, runs[i].message ? runs[i].message : "no image");
        CHECK(!(runs[i].header.flags & BS_IMAGE_ISOLATED));
    }
    drive_release(runs, 10);
}

TEST(parent, is_restored_however_a_run_in_it_ends) {
    interpreters_each(run_endings_in_process);
}

/* Ctrl-C and the deadline end what Python runs, whether it computes or waits. */
static void interrupt_in_process(const struct interpreter *interpreter) {
    struct run runs[] = {
        {.call = "spin()", .options = "in_process=1\ntimeout=0.2"},
        {.call = "sleep(100)", .options = "in_process=1\ntimeout=0.2"},
        {.call = "spin()", .options = "in_process=1\nprofile=1\ntimeout=0.2"},
        {.call = "spin()", .options = "in_process=1\ntimeout=0.2\ninside=on_a_thread"},
        {.call = "spin()", .options = "in_process=1\ntimeout=0.2\ninside=while_blocking_signals"},
        {.call = "spin()", .options = "in_process=1\ninterrupt=0.2"},
        {.call = "sleep(100)", .options = "in_process=1\ninterrupt=0"},
        {.call = "sleep(100)", .options = "in_process=1\nprofile=1\ninterrupt=0"},
        {.call = "spin()", .options = "in_process=1\ninterrupt=0\ninside=on_a_thread"},
        {.call = "sleep(100)", .options = "in_process=1\nprofile=1\ninterrupt=0.2"},
        {.call = "spin()", .options = "in_process=1\ninterrupt=0.2\ninside=on_a_thread"},
        {.call = "spin()", .options = "in_process=1\ninterrupt=0.2\ninside=while_handling_sigint"},
    };
    const size_t count = sizeof(runs) / sizeof(*runs);
    drive(interpreter, CASES, runs, count);
    for (size_t i = 0; i < count; i++)
        CHECK_EQ(runs[i].header.outcome, i < 5 ? BS_OUTCOME_TIMED_OUT : BS_OUTCOME_INTERRUPTED);
    drive_release(runs, count);
}

TEST(parent, is_restored_after_an_endless_run_in_it) {
    interpreters_each(interrupt_in_process);
}

/* What Python code can be kept from, and the agent need not be. */
static void run_deprived(const struct interpreter *interpreter) {
    struct run runs[] = {
        {.call = "__main__:add_up()", .options = "inside=with_no_importlib"},
        {.call = "add_up()", .options = "inside=with_no_gettrace"},
    };
    drive(interpreter, CASES, runs, 2);
    for (size_t i = 0; i < 2; i++) {
        if (!CHECK_EQ(runs[i].header.outcome, i < 1 ? BS_OUTCOME_RETURNED : BS_OUTCOME_REFUSED))
            printf("  %s: %s\n", runs[i].options, runs[i].message ? runs[i].message : "no image");
    }
    CHECK(runs[1].message && strstr(runs[1].message, "gettrace"));
    drive_release(runs, 2);
}

TEST(parent, may_have_taken_away_what_python_code_needs) {
    interpreters_each(run_deprived);
}

/* Modules of the agent's are forgotten, but for those that modules of CALL's hold on to. */
static void import_in_process(const struct interpreter *interpreter) {
    struct run runs[] = {
        {.call = "give()", .options = "in_process=1"},
        {.call = "import_holder()", .options = "in_process=1\ninside=while_importing"},
    };
    drive(interpreter, SOURCE_DIR "/tests/agent/programs/imports.py", runs, 2);
    for (size_t i = 0; i < 2; i++)
        CHECK_EQ(runs[i].header.outcome, BS_OUTCOME_RETURNED);
    drive_release(runs, 2);
}

TEST(parent, has_one_module_of_a_name_after_running_in_process) {
    interpreters_each(import_in_process);
}

/* Two hundred runs leave no process, descriptor or mapping behind; nor do runs that got lost. */
static void run_often(const struct interpreter *interpreter) {
    struct run runs[] = {
        {.call = "add(1)", .options = "times=200"},
        {.call = "crash()", .options = "times=20"},
        {.call = "add(1)", .options = "times=20\nlost=1"},
        {.call = "add(1)", .options = "times=50\nin_process=1"},
    };
    drive(interpreter, CASES, runs, 4);
    CHECK_EQ(runs[0].header.outcome, BS_OUTCOME_RETURNED);
    drive_release(runs, 4);
}

TEST(parent, keeps_nothing_of_many_runs) {
    interpreters_each(run_often);
}

/* Of no object of the program's is a reference kept, and no memory, however a run ends. */
static void run_counted(const struct interpreter *interpreter) {
    static const char *const calls[] = {
        "add_up()",
        "fail('boom')",
        "nosuch()",
        "1 +",
        "add(leave())",
        "len(1)",
        "suspended()",
        "set_trace()",
        "Point(1, 2)",
        "VALUE",
        "lambda: add(1)",
        "json:dumps([1])",
        "add(1, *[2], **{'c': 3})",
        "nosuchmodule:f()",
    };
    static const char *const kinds[] = {
        "times=20\nin_process=1\ncounted=1",
        "times=20\nin_process=1\ncounted=1\nprofile=1\nnative=1",
    };
    enum {
        COUNT = sizeof(calls) / sizeof(*calls)
    };
    for (size_t kind = 0; kind < sizeof(kinds) / sizeof(*kinds); kind++) {
        struct run runs[COUNT] = {};
        for (size_t i = 0; i < COUNT; i++)
            runs[i] = (struct run){.call = calls[i], .options = kinds[kind]};
        drive(interpreter, CASES, runs, COUNT);
        CHECK_EQ(runs[0].header.outcome, BS_OUTCOME_RETURNED);
        drive_release(runs, COUNT);
    }
}

/* Only a debug build counts. */
static void run_counted_if_debug(const struct interpreter *interpreter) {
    if (interpreter_is_debug(interpreter))
        run_counted(interpreter);
}

TEST(parent, keeps_no_reference_of_many_runs) {
    interpreters_each(run_counted_if_debug);
}

/* The agent shows the process three names, and uses none of the limited API's inlined secrets. */
TEST(parent, sees_three_symbols_of_the_agent) {
    static const char command[] = "nm -D --defined-only " BUILD_DIR "/libbytesight_agent.so";
    char line[256];
    size_t count = 0;
    FILE *symbols = popen(command, "r");
    if (!CHECK(symbols))
        return;
    while (fgets(line, sizeof(line), symbols)) {
        const char *name = strrchr(line, ' ');
        CHECK(name && (!strcmp(name, " bytesight_start\n") || !strcmp(name, " bytesight_run\n") ||
                       !strcmp(name, " bytesight_finish\n")));
        count++;
    }
    if (pclose(symbols))
        SKIP("nm");
    CHECK_EQ(count, 3);
}
