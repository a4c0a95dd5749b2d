/* trace, profile, show, save and load through the fake host, from the line to the listing. */
#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

TEST(run, a_trace_goes_from_the_line_to_the_listing) {
    _cleanup_harness_ struct harness harness = harness_python();
    struct fake_host *fake = harness.fake;
    CHECK_PRINTS(&harness, "trace --timeout 7 --max-events 99 hot(\"a  b\")", "RETURN");
    CHECK_EQ(fake->starts, 1);
    CHECK_EQ(fake->finishes, 1);
    CHECK_EQ(fake_leftovers(fake), 0);
    CHECK_BYTES(fake->request.call, fake->request.call_bytes, "hot(\"a  b\")");
    CHECK_EQ(fake->request.timeout_ns, 7000000000);
    CHECK_EQ(fake->request.max_events, 99);
    CHECK_EQ(fake->request.flags, BS_REQUEST_GIL_LOCKED);
    CHECK_EQ(fake->request.engine, BS_ENGINE_AUTO);
    CHECK_EQ(fake->request.frame_index, BS_FRAME_NONE);
    CHECK_EQ(fake->request.opcodes[BS_REQUEST_NOP], 9);        /* Include/opcode.h of 3.11 */
    CHECK_EQ(fake->request.opcodes[BS_REQUEST_YIELD_FROM], 0); /* 3.10 had it */
}

TEST(run, a_profile_asks_for_times) {
    _cleanup_harness_ struct harness harness = harness_python();
    const struct bs_request *request = &harness.fake->request;
    CHECK_OK(harness_run(&harness, "profile --warmups 3 --repeats 4 --budget 5 --adaptive hot"));
    CHECK_EQ(request->flags,
             BS_REQUEST_PROFILE | BS_REQUEST_NATIVE | BS_REQUEST_ADAPTIVE | BS_REQUEST_GIL_LOCKED);
    CHECK_EQ(request->warmups, 3);
    CHECK_EQ(request->repeats, 4);
    CHECK_EQ(request->budget_ns, 5000000000);
    CHECK_OK(harness_run(&harness, "set repeats 77"));
    CHECK_OK(harness_run(&harness, "profile --no-native --engine settrace hot"));
    CHECK_EQ(request->flags, BS_REQUEST_PROFILE | BS_REQUEST_GIL_LOCKED);
    CHECK_EQ(request->engine, BS_ENGINE_SETTRACE);
    CHECK_EQ(request->repeats, 77);
    CHECK_EQ(request->candidates, 0);
}

TEST(run, the_agent_is_loaded_once) {
    _cleanup_harness_ struct harness harness = harness_python();
    CHECK_OK(harness_run(&harness, "trace f"));
    CHECK(harness.fake->agent_loaded);
    CHECK_EQ(harness.session->agent_count, 1);
    unsigned int first = harness.fake->calls;
    CHECK_OK(harness_run(&harness, "trace f"));
    CHECK(harness.fake->calls - first < first);
    CHECK_EQ(harness.session->agent_count, 1);
    CHECK_EQ(fake_leftovers(harness.fake), 0);
}

/* As when the plugin is loaded again: the session forgot, the inferior did not. */
TEST(run, an_agent_that_is_there_is_found_again) {
    _cleanup_harness_ struct harness harness = harness_python();
    harness.fake->agent_loaded = true;
    harness.session->agent_path[0] = 'x'; /* not needed any more */
    CHECK_OK(harness_run(&harness, "trace f"));
    CHECK_EQ(harness.fake->memfd_bytes, 0);
}

TEST(run, another_process_gets_an_agent_of_its_own) {
    _cleanup_harness_ struct harness harness = harness_python();
    CHECK_OK(harness_run(&harness, "trace f"));
    harness.fake->agent_loaded = false; /* a new process with the same number */
    memset(fake_bytes(harness.fake, harness.session->agents[0].start_addr, 16), 0x90, 16);
    CHECK_OK(harness_run(&harness, "trace f"));
    CHECK(harness.fake->agent_loaded);
    CHECK_EQ(harness.session->agent_count, 2);
}

TEST(run, without_memfd_the_agent_goes_by_path) {
    _cleanup_harness_ struct harness harness = harness_python();
    harness.fake->no_memfd = true;
    CHECK_OK(harness_run(&harness, "trace f"));
    CHECK(harness.fake->agent_loaded);
    CHECK_EQ(harness.fake->memfd_bytes, 0);
    CHECK_EQ(fake_leftovers(harness.fake), 0);
}

/* Once it is closed, its number is that of some other file. */
TEST(run, the_loader_keeps_no_name_of_a_memfd) {
    _cleanup_harness_ struct harness harness = harness_python();
    CHECK_OK(harness_run(&harness, "trace f"));
    CHECK_EQ(*fake_library_name(harness.fake), 0);
    harness.fake->agent_loaded = false;
    harness.fake->no_memfd = true;
    memset(fake_bytes(harness.fake, harness.session->agents[0].start_addr, 16), 0x90, 16);
    CHECK_OK(harness_run(&harness, "trace f"));
    CHECK(!strcmp(fake_library_name(harness.fake), harness.session->agent_path));
}

TEST(run, the_loader_is_quoted_when_it_refuses) {
    _cleanup_harness_ struct harness harness = harness_python();
    harness.fake->dlopen_error = "libfoo.so.1: cannot open shared object file";
    CHECK_ERROR(harness_run(&harness, "trace f"), BS_ERROR_TARGET,
                "the agent could not be loaded into process 4242: libfoo.so.1: cannot open");
    harness.fake->dlopen_error = "agent.so: undefined symbol: PyList_Type";
    CHECK_ERROR(harness_run(&harness, "trace f"), BS_ERROR_TARGET,
                "link the program with -rdynamic");
    CHECK_EQ(fake_leftovers(harness.fake), 0);
}

TEST(run, a_missing_agent_is_named) {
    _cleanup_harness_ struct harness harness = harness_python();
    strcpy(harness.session->agent_path, "/nowhere");
    CHECK_ERROR(harness_run(&harness, "trace f"), BS_ERROR_OS,
                "the agent /nowhere cannot be read: No such file or directory; build it");
    CHECK_PRINTS(&harness, "status", "missing: /nowhere");
    CHECK_EQ(fake_leftovers(harness.fake), 0);
}

TEST(run, what_the_agent_refuses_is_explained) {
    static const struct {
        int number;
        const char *part;
    } cases[] = {
        {EINVAL, "another version of bytesight; restart the program"},
        {ENOMEM, "lower --max-events"},
        {EPERM, "not allowed to clone itself; --in-process"},
        {EIO, "Input/output error"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_harness_ struct harness harness = harness_python();
        harness.fake->run.start_result = -cases[i].number;
        CHECK_ERROR(harness_run(&harness, "trace f"), BS_ERROR_TARGET, cases[i].part);
        CHECK_EQ(fake_leftovers(harness.fake), 0);
    }
}

TEST(run, how_call_ended_is_a_sentence) {
    static const struct {
        struct fake_run run;
        enum bs_error_code code;
        const char *part;
    } cases[] = {
        {{.outcome = BS_OUTCOME_UNRESOLVED, .outcome_text = "name 'f' is not defined"},
         BS_ERROR_TARGET,
         "name 'f' is not defined"},
        {{.outcome = BS_OUTCOME_REFUSED, .outcome_text = "a reason"}, BS_ERROR_TARGET, "a reason"},
        {{.outcome = BS_OUTCOME_CRASHED, .outcome_number = 11},
         BS_ERROR_TARGET,
         "f(1) crashed with SIGSEGV after 6 events, at /x/small.py:8 in answer"},
        {{.outcome = BS_OUTCOME_CRASHED,
          .outcome_number = 6,
          .outcome_text = "python3: f.c:7: f: Assertion `x > 1' failed.\n"},
         BS_ERROR_TARGET,
         "crashed with SIGABRT after 6 events, at /x/small.py:8 in answer: python3: f.c:7: f: "
         "Assertion `x > 1' failed; the debugged process is unharmed"},
        {{.outcome = BS_OUTCOME_CRASHED, .outcome_number = 64, .no_events = true},
         BS_ERROR_TARGET,
         "f(1) was killed by signal 64; the debugged process is unharmed"},
        {{.outcome = BS_OUTCOME_EXITED, .outcome_number = 3},
         BS_ERROR_TARGET,
         "f(1) ended its process with exit status 3 after "},
        {{.outcome = BS_OUTCOME_EXITED, .outcome_number = 1, .outcome_text = "a\nreport"},
         BS_ERROR_TARGET,
         " in answer: a\\x0areport; the debugged process is unharmed"},
        {{.outcome = BS_OUTCOME_CRASHED, .outcome_number = 6, .outcome_text = "report"},
         BS_ERROR_TARGET,
         " in answer: report; the debugged process is unharmed"},
        {{.outcome = BS_OUTCOME_TIMED_OUT},
         BS_ERROR_TARGET,
         "f(1) was still running after 60 s and was stopped"},
        {{.outcome = BS_OUTCOME_INTERRUPTED}, BS_ERROR_INTERRUPTED, "interrupted"},
        {{.outcome = (enum bs_outcome)99}, BS_ERROR_CORRUPT, "outcome"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_harness_ struct harness harness = harness_python();
        harness.fake->run = cases[i].run;
        CHECK_ERROR(harness_run(&harness, "trace f(1)"), cases[i].code, cases[i].part);
        CHECK_EQ(fake_leftovers(harness.fake), 0);
    }
}

TEST(run, what_was_recorded_before_a_crash_can_be_shown) {
    _cleanup_harness_ struct harness harness = harness_python();
    harness.fake->run = (struct fake_run){.outcome = BS_OUTCOME_CRASHED, .outcome_number = 6};
    CHECK_ERROR(
        harness_run(&harness, "trace f(1)"), BS_ERROR_TARGET,
        "SIGABRT after 6 events, at /x/small.py:8 in answer; the debugged process is unharmed; "
        "`bytesight show` prints what was recorded");
    CHECK_PRINTS(&harness, "show", "RETURN");
}

TEST(run, a_failed_run_leaves_the_last_trace_alone) {
    _cleanup_harness_ struct harness harness = harness_python();
    CHECK_OK(harness_run(&harness, "trace f"));
    harness.fake->run = (struct fake_run){.outcome = BS_OUTCOME_UNRESOLVED, .no_events = true};
    CHECK_ERROR(harness_run(&harness, "trace g"), BS_ERROR_TARGET, "CALL could not be resolved");
    CHECK_PRINTS(&harness, "show", "RETURN");
}

TEST(run, call_has_a_largest_size) {
    _cleanup_harness_ struct harness harness = harness_python();
    char line[BS_CALL_BYTES_MAX + 32] = "trace ";
    memset(line + 6, 'f', BS_CALL_BYTES_MAX);
    line[6 + BS_CALL_BYTES_MAX] = '\0';
    CHECK_OK(harness_run(&harness, line));
    CHECK_EQ(harness.fake->request.call_bytes, BS_CALL_BYTES_MAX);
    strcat(line, "f");
    CHECK_ERROR(harness_run(&harness, line), BS_ERROR_USAGE, "CALL has 2049 bytes");
}

TEST(run, in_process_warns_once) {
    _cleanup_harness_ struct harness harness = harness_python();
    CHECK_PRINTS(&harness, "trace --in-process f", "Running in the debugged process itself");
    CHECK_EQ(harness.fake->request.flags, BS_REQUEST_IN_PROCESS | BS_REQUEST_GIL_LOCKED);
    CHECK_OK(harness_run(&harness, "trace --in-process f"));
    CHECK(!strstr(fake_output(harness.fake), "Running in the debugged"));
}

TEST(run, in_process_warns_where_it_does_run) {
    static const char *const in_malloc[] = {"malloc@/lib/libc.so.6", "f", NULL};
    static const char *const in_python[] = {"f", NULL};
    _cleanup_harness_ struct harness harness = harness_python();
    fake_thread(harness.fake, FAKE_PID, in_malloc);
    CHECK_ERROR(harness_run(&harness, "trace --in-process f"), BS_ERROR_STATE, "malloc");
    CHECK(!strstr(fake_output(harness.fake), "Running in the debugged"));
    fake_thread(harness.fake, FAKE_PID, in_python);
    CHECK_PRINTS(&harness, "trace --in-process f", "Running in the debugged process itself");
}

/* On the other side of a stub they run while the agent is loaded. */
TEST(run, other_threads_that_ran_are_told_of_where_there_are_some) {
    static const char *const in_poll[] = {"poll@/lib/libc.so.6", "main", NULL};
    for (int others = 0; others < 2; others++) {
        _cleanup_harness_ struct harness harness = harness_python();
        if (others)
            fake_thread(harness.fake, FAKE_PID + 1, in_poll);
        CHECK_OK(harness_run(&harness, "trace f"));
        CHECK_EQ(strstr(fake_output(harness.fake), "The other threads were let run") != NULL,
                 others);
    }
}

TEST(run, a_run_that_takes_long_draws_progress) {
    _cleanup_harness_ struct harness harness = harness_python();
    harness.fake->run.polls = 40; /* of 15 ms */
    CHECK_OK(harness_run(&harness, "trace f"));
    CHECK(harness.fake->progress_drawn >= 2 && harness.fake->progress_drawn <= 6);
    CHECK_EQ(harness.fake->progress_removed, 1);
    CHECK_EQ(fake_leftovers(harness.fake), 0);
}

TEST(run, a_dead_watcher_is_noticed) {
    _cleanup_harness_ struct harness harness = harness_python();
    harness.fake->run.dead = true;
    CHECK_ERROR(harness_run(&harness, "trace f"), BS_ERROR_TARGET,
                "the process that watches the clone has died or is stopped");
    CHECK_EQ(fake_leftovers(harness.fake), 0);
}

TEST(run, colours_can_be_switched_off) {
    _cleanup_harness_ struct harness harness = harness_python();
    CHECK_OK(harness_run(&harness, "trace f"));
    CHECK(!harness.fake->output_no_color && harness.fake->output_spans);
    CHECK_OK(harness_run(&harness, "trace --no-color f"));
    CHECK(harness.fake->output_no_color);
    CHECK_OK(harness_run(&harness, "set color off"));
    CHECK_OK(harness_run(&harness, "show"));
    CHECK(harness.fake->output_no_color);
}

#define SAVED BUILD_DIR "/tests/command/a trace"
#define JSON  BUILD_DIR "/tests/command/json"

TEST(run, traces_are_saved_and_loaded) {
    _cleanup_harness_ struct harness harness = harness_python(), other = harness_create();
    other.fake->state.kind = BS_HOST_NOTHING;
    CHECK_PRINTS(&harness, "trace --save '" SAVED "' f", "Saved 6 events to " SAVED);
    CHECK_OK(harness_run(&harness, "show"));
    _cleanup_free_ char *shown = strdup(fake_output(harness.fake));
    CHECK_PRINTS(&other, "load '" SAVED "'", "Loaded 6 events of `answer`");
    CHECK_OK(harness_run(&other, "show"));
    CHECK_TEXT(fake_output(other.fake), shown);
    unlink(SAVED);
    CHECK_PRINTS(&other, "save \"" SAVED "\"", "Saved 6 events");
    CHECK(!unlink(SAVED));
    CHECK_ERROR(harness_run(&other, "load '" SAVED "'"), BS_ERROR_OS, SAVED);
    CHECK_ERROR(harness_run(&other, "load a b"), BS_ERROR_USAGE, "one file name; put quotes");
    CHECK_ERROR(harness_run(&other, "save 'a"), BS_ERROR_USAGE, "is not closed");
    CHECK_ERROR(harness_run(&other, "load \"\""), BS_ERROR_USAGE,
                "load needs the name of a file between the quotes");
    CHECK_ERROR(harness_run(&other, "save ''"), BS_ERROR_USAGE, "save needs the name of a file");
    CHECK_PRINTS(&other, "show", "RETURN"); /* failing did not lose it */
}

/* As every other verb does. */
TEST(run, save_and_load_take_options) {
    _cleanup_harness_ struct harness harness = harness_python();
    CHECK_OK(harness_run(&harness, "trace f"));
    CHECK_ERROR(harness_run(&harness, "save --" JSON), BS_ERROR_USAGE, "save has no option --");
    CHECK_ERROR(harness_run(&harness, "save -x"), BS_ERROR_USAGE,
                "save has no option -x; it takes");
    CHECK_ERROR(harness_run(&harness, "save --"), BS_ERROR_USAGE, "save needs FILE");
    CHECK_ERROR(harness_run(&harness, "load --json x"), BS_ERROR_USAGE,
                "--json is an option of trace and profile, not of load");
    CHECK_PRINTS(&harness, "save -- '" SAVED "'", "Saved 6 events to " SAVED);
    CHECK_PRINTS(&harness, "load  -- '" SAVED "'", "Loaded 6 events");
    CHECK_ERROR(harness_run(&harness, "load -- --help"), BS_ERROR_OS, "cannot read --help: ");
    unlink(SAVED);
}

TEST(run, json_goes_to_a_file_and_nothing_to_the_screen) {
    _cleanup_harness_ struct harness harness = harness_python();
    char start[16] = "";
    CHECK_PRINTS(&harness, "trace --json " JSON " f", "Wrote 6 events as JSON to " JSON);
    CHECK(!strstr(fake_output(harness.fake), "RETURN"));
    FILE *file = fopen(JSON, "r");
    CHECK(file && fread(start, 1, sizeof(start) - 1, file) && start[0] == '{');
    if (file)
        fclose(file);
    CHECK_OK(harness_run(&harness, "show --json " JSON));
    unlink(JSON);
}

TEST(run, json_that_is_interrupted_leaves_no_file) {
    _cleanup_harness_ struct harness harness = harness_python();
    CHECK_OK(harness_run(&harness, "trace f"));
    harness.fake->ctrl_c = true;
    CHECK_ERROR(harness_run(&harness, "show --json " JSON), BS_ERROR_INTERRUPTED, "interrupted");
    CHECK(access(JSON, F_OK));
}

TEST(run, trees_that_were_not_walked_are_missed) {
    _cleanup_harness_ struct harness harness = harness_python();
    CHECK_OK(harness_run(&harness, "trace f"));
    CHECK_PRINTS(&harness, "show --native=tree", "// it has no C functions: `bytesight profile`");
    CHECK_PRINTS(&harness, "show --event 3 --native=tree", "// it has no C functions");
    CHECK_OK(harness_run(&harness, "show --event 3"));
    CHECK(!strstr(fake_output(harness.fake), "C functions"));
    CHECK_OK(harness_run(&harness, "set native tree"));
    CHECK_OK(harness_run(&harness, "trace f"));
    CHECK(!strstr(fake_output(harness.fake), "C functions"));
    CHECK_OK(harness_run(&harness, "show --by opcode"));
    CHECK(!strstr(fake_output(harness.fake), "C functions"));
}

TEST(run, show_selects) {
    _cleanup_harness_ struct harness harness = harness_python();
    CHECK_OK(harness_run(&harness, "profile f"));
    CHECK_PRINTS(&harness, "show --by opcode", "RETURN");
    CHECK_PRINTS(&harness, "show --event 3", "LOAD_CONST");
    CHECK_OK(harness_run(&harness, "show --range 1-1"));
    CHECK(!strstr(fake_output(harness.fake), "RETURN"));
    CHECK_ERROR(harness_run(&harness, "show --event 99"), BS_ERROR_USAGE, "99");
    CHECK_ERROR(harness_run(&harness, "show --range 90-99"), BS_ERROR_USAGE, "9");
}
