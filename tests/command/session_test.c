/* The verbs that need no process, and what every verb says without one. */
#include "harness.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

TEST(session, an_empty_line_lists_the_verbs) {
    _cleanup_harness_ struct harness harness = harness_create();
    size_t rows;
    const struct bs_verb *verbs = bs_verb_table(&rows);
    if (!CHECK_OK(harness_run(&harness, "  ")))
        return;
    for (size_t i = 0; i < rows; i++) {
        harness_check_output(&harness, verbs[i].name, __FILE__, __LINE__);
        harness_check_output(&harness, verbs[i].summary, __FILE__, __LINE__);
    }
}

TEST(session, every_verb_has_help_that_fits_a_screen) {
    _cleanup_harness_ struct harness harness = harness_create();
    size_t rows;
    const struct bs_verb *verbs = bs_verb_table(&rows);
    for (size_t i = 0; i < rows; i++) {
        char line[64], usage[64];
        snprintf(line, sizeof(line), "help %s", verbs[i].name);
        snprintf(usage, sizeof(usage), "Usage: bytesight %s", verbs[i].name);
        CHECK_PRINTS(&harness, line, usage);
        for (const char *at = fake_output(harness.fake); *at; at += strcspn(at, "\n") + 1)
            CHECK(strcspn(at, "\n") <= 79);
    }
}

TEST(session, verbs_may_be_abbreviated) {
    _cleanup_harness_ struct harness harness = harness_create();
    CHECK_PRINTS(&harness, "h prof", "Usage: bytesight profile");
    CHECK_ERROR(harness_run(&harness, "s"), BS_ERROR_USAGE, "\"s\" is ambiguous: show, ");
    CHECK_ERROR(harness_run(&harness, "frobnicate"), BS_ERROR_USAGE,
                "there is no verb \"frobnicate\"; the verbs are trace, profile, ");
    CHECK_ERROR(harness_run(&harness, "help nonsense"), BS_ERROR_USAGE, "\"nonsense\"");
}

TEST(session, help_is_an_option_of_verbs_too) {
    static const char *const verbs[] = {"trace", "profile", "show", "stack", "code",
                                        "save",  "load",    "set",  "status"};
    _cleanup_harness_ struct harness harness = harness_create();
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        char line[64], usage[64];
        snprintf(line, sizeof(line), "%s --help", verbs[i]);
        snprintf(usage, sizeof(usage), "Usage: bytesight %s", verbs[i]);
        CHECK_PRINTS(&harness, line, usage);
    }
    CHECK(access("--help", F_OK)); /* save wrote one of that name */
    CHECK_OK(harness_run(&harness, "show --he"));
}

TEST(session, settings_are_one_store) {
    _cleanup_harness_ struct harness harness = harness_create();
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    CHECK_OK(harness_run(&harness, "set repeats 500"));
    CHECK_EQ(harness.session->defaults.repeats, 500);
    CHECK_OK(bs_session_set(harness.session, "timeout", "2.5"));
    CHECK_PRINTS(&harness, "set", "timeout       2.5");
    CHECK_PRINTS(&harness, "set", "repeats       500");
    CHECK_PRINTS(&harness, "set rep", "repeats       500");
    CHECK(!strstr(fake_output(harness.fake), "timeout"));
    CHECK_OK(bs_session_get(harness.session, "repeats", &buffer));
    CHECK_BYTES(buffer.data, buffer.length, "500");
}

TEST(session, bad_settings_change_nothing) {
    _cleanup_harness_ struct harness harness = harness_create();
    CHECK_ERROR(harness_run(&harness, "set repeats many"), BS_ERROR_USAGE,
                "repeats takes a whole number");
    CHECK_ERROR(harness_run(&harness, "set nonsense 1"), BS_ERROR_USAGE, "the settings are");
    CHECK_ERROR(harness_run(&harness, "set repeats 1 2"), BS_ERROR_USAGE, "one value");
    CHECK_EQ(harness.session->defaults.repeats, 1500);
}

/* LLDB takes the locale of its environment. */
TEST(session, seconds_have_a_point_in_every_locale) {
    _cleanup_harness_ struct harness harness = harness_create();
    char *before = strdup(setlocale(LC_NUMERIC, NULL));
    const char *comma = setlocale(LC_NUMERIC, "de_DE.UTF-8");
    CHECK_OK(harness_run(&harness, "set timeout 0.25"));
    CHECK_PRINTS(&harness, "set timeout", "timeout       0.25");
    CHECK_PRINTS(&harness, "help trace", "(0.25)");
    CHECK_OK(bs_session_set(harness.session, "budget", "2.5"));
    CHECK_ERROR(harness_run(&harness, "trace --timeout 0 f"), BS_ERROR_USAGE, "from 0.01 to 86400");
    if (comma)
        CHECK_TEXT(setlocale(LC_NUMERIC, NULL), comma);
    setlocale(LC_NUMERIC, before);
    free(before);
    if (!comma)
        SKIP("the locale de_DE.UTF-8");
}

TEST(session, operands_are_asked_for_and_refused) {
    _cleanup_harness_ struct harness harness = harness_create();
    CHECK_ERROR(harness_run(&harness, "trace"), BS_ERROR_USAGE,
                "trace needs CALL; `bytesight help trace` shows how");
    CHECK_ERROR(harness_run(&harness, "trace --timeout 5"), BS_ERROR_USAGE, "trace needs CALL");
    CHECK_ERROR(harness_run(&harness, "save"), BS_ERROR_USAGE, "save needs FILE");
    CHECK_ERROR(harness_run(&harness, "show hot(10)"), BS_ERROR_USAGE,
                "show takes options only, and \"hot(10)\" is not one");
    CHECK_ERROR(harness_run(&harness, "show hot --by line"), BS_ERROR_USAGE, "takes options only");
    CHECK_ERROR(harness_run(&harness, "trace hot(10) --timeout 5"), BS_ERROR_USAGE,
                "`bytesight trace --timeout 5 hot(10)`");
    CHECK_ERROR(harness_run(&harness, "code hot --no-color"), BS_ERROR_USAGE,
                "`bytesight code --no-color hot`");
}

TEST(session, without_a_trace_there_is_nothing_to_show) {
    _cleanup_harness_ struct harness harness = harness_create();
    CHECK_ERROR(harness_run(&harness, "show"), BS_ERROR_STATE, "make one with `bytesight trace");
    CHECK_ERROR(harness_run(&harness, "save x"), BS_ERROR_STATE, "there is no trace yet");
}

TEST(session, without_a_process_nothing_runs) {
    _cleanup_harness_ struct harness harness = harness_create();
    harness.fake->state.kind = BS_HOST_NOTHING;
    CHECK_ERROR(harness_run(&harness, "trace f()"), BS_ERROR_STATE, "there is no process; run");
    CHECK_ERROR(harness_run(&harness, "profile f()"), BS_ERROR_STATE, "there is no process; run");
    CHECK_PRINTS(&harness, "status", "none; run the program, attach to one or load a core file");
}

/* Debuggers refuse to say more while the program runs. */
TEST(session, status_repeats_why_the_debugger_does_not_say) {
    _cleanup_harness_ struct harness harness = harness_python();
    harness.fake->trip = FAKE_REFUSAL;
    harness.fake->trip_at = harness.fake->calls + 1;
    CHECK_PRINTS(&harness, "status", "process      no can do\nlast trace");
}

TEST(session, a_process_that_is_not_python_is_named_so) {
    _cleanup_harness_ struct harness harness = harness_create();
    fake_add_libc(harness.fake);
    CHECK_ERROR(harness_run(&harness, "trace f()"), BS_ERROR_NOT_FOUND,
                "there is no Python interpreter in this process");
    CHECK_PRINTS(&harness, "status", "there is no Python interpreter in this process");
    CHECK_EQ(fake_leftovers(harness.fake), 0);
}

/* Every object of one has two more fields, which the layouts do not know, nor the agent. */
TEST(session, a_build_that_traces_references_is_named_so) {
    _cleanup_harness_ struct harness harness = harness_python();
    fake_function(harness.fake, "_Py_ForgetReference", "/fake/python3.11", NULL);
    CHECK_ERROR(harness_run(&harness, "trace f()"), BS_ERROR_UNSUPPORTED,
                "Python 3.11.2 in this process was built with --with-trace-refs");
    CHECK_ERROR(harness_run(&harness, "stack"), BS_ERROR_UNSUPPORTED, "--with-trace-refs");
    CHECK_PRINTS(&harness, "status", "Python 3.11.2 in this process was built with --with-trace");
    CHECK_EQ(harness.fake->starts, 0);
}

TEST(session, a_core_file_cannot_run_code) {
    _cleanup_harness_ struct harness harness = harness_python();
    harness.fake->state.kind = BS_HOST_CORE;
    CHECK_ERROR(harness_run(&harness, "trace f()"), BS_ERROR_STATE,
                "a core file cannot run code; `bytesight stack`");
    CHECK_PRINTS(&harness, "status", "a core file of process 4242");
    CHECK(!strstr(fake_output(harness.fake), "the first trace or profile loads"));
    CHECK(!strstr(fake_output(harness.fake), "probe"));
    CHECK_EQ(harness.fake->starts, 0);
}

/* As LLDB saves one unless it is told otherwise. */
TEST(session, a_core_file_of_stacks_alone_is_named_so) {
    _cleanup_harness_ struct harness harness = harness_python();
    harness.fake->state.kind = BS_HOST_CORE;
    CHECK(fake_memory_free(harness.fake, fake_symbol_addr(harness.fake, "_PyRuntime")));
    CHECK_ERROR(harness_run(&harness, "stack"), BS_ERROR_FAULT,
                "cannot read runtime.initialized at 0x");
    CHECK_ERROR(harness_run(&harness, "stack"), BS_ERROR_FAULT,
                ": this core file is without it; save one with all memory, by `gcore`");
}

TEST(session, python_must_be_running) {
    _cleanup_harness_ struct harness harness = harness_python();
    fake_python_state(harness.fake, false, false);
    CHECK_ERROR(harness_run(&harness, "trace f()"), BS_ERROR_STATE, "Python is not initialised");
    CHECK_ERROR(harness_run(&harness, "code f"), BS_ERROR_STATE, "Python is not initialised");
    CHECK_PRINTS(&harness, "status", "Python is not initialised");
    fake_python_state(harness.fake, true, true);
    CHECK_ERROR(harness_run(&harness, "trace f()"), BS_ERROR_STATE, "shutting down");
    CHECK_PRINTS(&harness, "status", "shutting down");
    CHECK_EQ(harness.fake->starts, 0);
    CHECK_EQ(fake_leftovers(harness.fake), 0);
}

TEST(session, status_says_what_was_found) {
    _cleanup_harness_ struct harness harness = harness_python();
    CHECK_PRINTS(&harness, "status", "4242 on the other side of a stub");
    CHECK_PRINTS(&harness, "status", "3.11.2, running");
    CHECK_PRINTS(&harness, "status", "/fake/python3.11, part of the program");
    CHECK_PRINTS(&harness, "status", "held by thread 4242, the selected one");
    CHECK_PRINTS(&harness, "status", "possible, on thread 4242");
    CHECK_PRINTS(&harness, "status", "not loaded; the first trace or profile loads ");
    CHECK_PRINTS(&harness, "status",
                 BS_HAS_PROBE
                     ? "engine       settrace\n"
                       "probe        not possible: the interpreter's dispatch table was not found\n"
                     : "none on this architecture, and no C functions beside opcodes\n");
    CHECK_PRINTS(&harness, "status", "last trace   none");
    CHECK_EQ(fake_leftovers(harness.fake), 0);
    CHECK_OK(harness_run(&harness, "trace hot(10)"));
    CHECK_PRINTS(&harness, "status", "loaded, at 0x");
    CHECK_PRINTS(&harness, "status", "hot(10) on Python ");
}

/* A saved trace may come from anybody, and says itself what was called. */
TEST(session, status_does_not_drive_the_terminal) {
    _cleanup_harness_ struct harness harness = harness_python();
    CHECK_OK(harness_run(&harness, "trace hot('\x1b[2J')"));
    CHECK_PRINTS(&harness, "status", "hot('\\x1b[2J') on Python ");
    CHECK(!strchr(fake_output(harness.fake), '\x1b'));
}
