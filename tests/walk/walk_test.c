/* What a profile says of C functions, on every interpreter. */
#ifdef __x86_64__

#include "check.h"
#include "profiled.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Everything that ran has been matched with the events, and nothing was left out. */
static bool check_whole(const struct bs_trace *trace) {
    if (!CHECK(trace && trace->walk)) {
        if (trace)
            printf("  %.*s\n", (int)bs_trace_text(trace, trace->header->walk_text).length,
                   bs_trace_text(trace, trace->header->walk_text).data);
        return false;
    }
    bool whole = CHECK_EQ(trace->walk->missing_count, 0);
    whole &= CHECK_EQ(trace->walk->stray_count, 0);
    whole &= CHECK_EQ(trace->header->walk_text, 0);
    whole &= CHECK(!(trace->header->flags & BS_IMAGE_CALLS_CUT));
    return whole;
}

static void division(const struct interpreter *interpreter) {
    _cleanup_profiled_ struct profiled profiled = profiled_start(interpreter, NULL);
    const struct bs_trace *trace = profiled_run(&profiled, "divide(1, 0)");
    if (!check_whole(trace))
        return;
    size_t divide = profiled_event(
        trace, interpreter->python >= 0x030b0000 ? "BINARY_OP" : "BINARY_TRUE_DIVIDE", 0);
    if (profiled_has_names(&profiled))
        CHECK(profiled_has(trace, divide, "long_true_divide"));
    CHECK(profiled_has(trace, divide, "PyErr_SetString"));
    CHECK(profiled_has(trace, divide, "PyTraceBack_Here"));
    size_t matches = profiled_event(
        trace, interpreter->python >= 0x030b0000 ? "CHECK_EXC_MATCH" : "JUMP_IF_NOT_EXC_MATCH", 0);
    CHECK(profiled_has(trace, matches, "PyErr_GivenExceptionMatches"));
    CHECK(matches > divide);
}

TEST(walk, division_by_zero_shows_the_division_and_the_exception) {
    interpreters_each(division);
}

/* The opcode that makes a call: the one below which there is @p name. */
static size_t event_with(const struct bs_trace *trace, const char *name) {
    uint64_t instructions;
    for (size_t i = 0; i < trace->event_count; i++) {
        if (profiled_rows(trace, i, name, &instructions))
            return i;
    }
    return SIZE_MAX;
}

static void sorting(const struct interpreter *interpreter) {
    _cleanup_profiled_ struct profiled profiled = profiled_start(interpreter, NULL);
    const struct bs_trace *trace = profiled_run(&profiled, "in_order()");
    if (!check_whole(trace))
        return;
    size_t call = profiled_event(trace, "CALL", 0);
    if (profiled_has_names(&profiled)) {
        call = event_with(trace, "list_sort_impl");
        CHECK(profiled_has(trace, call, "builtin_sorted"));
    }
    size_t around = SIZE_MAX;
    for (size_t i = 0; i < trace->event_count; i++) {
        if (profiled_kinds(trace, i, BS_CALL_ROW_EVALUATOR) == 3)
            around = i;
    }
    /* One opcode runs the key function three times, and all of that is below it. */
    CHECK(around != SIZE_MAX);
    CHECK(!profiled_has_names(&profiled) || around == call);
    size_t negative = profiled_event(trace, "UNARY_NEGATIVE", 0);
    CHECK(negative > around);
    CHECK(profiled_has(trace, negative, "PyNumber_Negative"));
    CHECK_EQ(profiled_event(trace, "UNARY_NEGATIVE", 3), SIZE_MAX);
}

TEST(walk, sorted_shows_the_sort_around_the_key_calls) {
    interpreters_each(sorting);
}

/* What our own discovery of the code makes the interpreter do is over before the walk. */
static void cold(const struct interpreter *interpreter) {
    _cleanup_profiled_ struct profiled profiled = profiled_start(interpreter, NULL);
    const struct bs_trace *trace = profiled_run(&profiled, "--warmups 0 in_order()");
    if (check_whole(trace))
        CHECK_EQ(event_with(trace, "_Py_Instrument"), SIZE_MAX);
}

TEST(walk, a_cold_call_shows_nothing_of_ours) {
    interpreters_each(cold);
}

static void extension(const struct interpreter *interpreter) {
    _cleanup_profiled_ struct profiled profiled = profiled_start(interpreter, NULL);
    const struct bs_trace *trace = profiled_run(&profiled, "extension()");
    uint64_t instructions;
    if (!check_whole(trace))
        return;
    size_t call = event_with(trace, "walked_outer");
    CHECK(profiled_has(trace, call, "walked_exact"));
    CHECK_EQ(profiled_rows(trace, call, "walked_outer", &instructions), 1);
    CHECK_EQ(instructions, 9);
    CHECK_EQ(profiled_rows(trace, call, "walked_inner", &instructions), 2);
    CHECK_EQ(instructions, 22);
    CHECK(profiled_has(trace, call, "PyLong_FromLong"));

    trace = profiled_run(&profiled, "system_calls()");
    if (!check_whole(trace))
        return;
    call = event_with(trace, "syscall getppid");
    CHECK_EQ(profiled_kinds(trace, call, BS_CALL_ROW_SYSTEM), 1);
    CHECK(profiled_has(trace, call, "getppid") || profiled_has(trace, call, "__getppid"));

    trace = profiled_run(&profiled, "callback()");
    if (!check_whole(trace))
        return;
    call = event_with(trace, "walked_call_twice");
    CHECK_EQ(profiled_kinds(trace, call, BS_CALL_ROW_EVALUATOR), 2);
}

static void foreign(const struct interpreter *interpreter) {
    _cleanup_profiled_ struct profiled profiled = profiled_start(interpreter, NULL);
    const struct bs_trace *trace = profiled_run(&profiled, "foreign()");
    if (!check_whole(trace))
        return;
    CHECK(event_with(trace, "syscall getppid") != SIZE_MAX);
    CHECK_EQ(profiled_kinds(trace, event_with(trace, "qsort"), BS_CALL_ROW_EVALUATOR), 1);
}

TEST(walk, goes_on_in_what_libffi_calls_and_behind_it) {
    interpreters_each(foreign);
}

TEST(walk, extensions_show_their_functions_and_exact_counts) {
    interpreters_each(extension);
}

/* What CALLS says, of what was run. */
static void *copy_calls(const struct bs_trace *trace, size_t *ret_length) {
    *ret_length = trace->call_count * sizeof(*trace->calls);
    void *copy = malloc(*ret_length + 1);
    if (copy)
        memcpy(copy, trace->calls, *ret_length);
    return copy;
}

static const char *const pure_calls[] = {
    "divide(1, 0)",   "divide(1, 2)",      "in_order()",
    "add(2, 3)",      "add('a', 'b')",     "extension()",
    "callback()",     "loop(20)",          "points()",
    "consume()",      "closure()",         "drive()",
    "text(7)",        "unpack(1, 2, x=3)", "many(1)",
    "system_calls()", "len([1, 2])",       "sorted([2, 1], key=abs)",
};

static void *calls_of(struct profiled *profiled, const char *options, const char *call,
                      size_t *ret_length) {
    char *arguments;
    if (asprintf(&arguments, "%s %s", options, call) < 0)
        abort();
    const struct bs_trace *trace = profiled_run(profiled, arguments);
    free(arguments);
    return check_whole(trace) ? copy_calls(trace, ret_length) : NULL;
}

/*
 * With either engine; more repeats than before must not matter. Fewer warm-ups would, so they have
 * time on a busy machine too.
 */
static void twice(const struct interpreter *interpreter) {
    _cleanup_profiled_ struct profiled profiled = profiled_start(interpreter, NULL);
    static const char *const options[][2] = {
        {"--budget 100", "--budget 100 --repeats 9"},
        {"--budget 100 --engine auto", "--budget 100 --engine auto"},
    };
    for (size_t i = 0; i < sizeof(pure_calls) / sizeof(*pure_calls); i++) {
        const char *const *pair = options[i % 2];
        size_t first_length = 0, length = 0;
        _cleanup_free_ void *first = calls_of(&profiled, pair[0], pure_calls[i], &first_length);
        _cleanup_free_ void *second = calls_of(&profiled, pair[1], pure_calls[i], &length);
        bool same = first && second && CHECK_EQ(length, first_length) &&
                    CHECK(!memcmp(first, second, length));
        if (!same)
            printf("  in %s\n", pure_calls[i]);
    }
}

TEST(walk, the_same_profile_twice_gives_the_same_trees) {
    interpreters_each(twice);
}

/* Every opcode of every kind of code is found in both the walk and the trace. */
static void golden(const struct interpreter *interpreter) {
    static const struct {
        const char *path;
        const char *calls[8];
    } programs[] = {
        {SOURCE_DIR "/tests/golden/programs/basics.py",
         {"total(2)", "countdown(3)", "fib(3)", "keywords(1, 2, 3, scale=4, x=5)", "square(3.5)"}},
        {SOURCE_DIR "/tests/golden/programs/exceptions.py",
         {"caught({})", "cleanup([])", "nested()"}},
        {SOURCE_DIR "/tests/golden/programs/frames.py",
         {"drain()", "by_length(['ccc', 'a', 'bb'])", "points()", "make_counter()"}},
        {SOURCE_DIR "/tests/walk/programs/kinds.py",
         {"--max-walk 2000000 kinds()", "--max-walk 2000000 library()"}},
    };
    for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
        _cleanup_profiled_ struct profiled profiled = profiled_start(interpreter, programs[i].path);
        for (const char *const *call = programs[i].calls; *call; call++) {
            if (!check_whole(profiled_run(&profiled, *call)))
                printf("  in %s\n", *call);
        }
    }
}

TEST(walk, trees_and_events_match_one_to_one) {
    interpreters_each(golden);
}

/* It is for the repeats: what else a profile does takes as long as it must. */
static void spent(const struct interpreter *interpreter) {
    _cleanup_profiled_ struct profiled profiled = profiled_start(interpreter, NULL);
    const struct bs_trace *trace =
        profiled_run(&profiled, "--budget 0.05 --warmups 9 --repeats 9 loop(200)");
    if (!CHECK(trace && trace->walk))
        return;
    CHECK_EQ(trace->header->warmups, 9);
    CHECK_EQ(trace->header->uninstrumented_repeats, 9);
    CHECK_EQ(trace->header->repeats, 9);
}

TEST(walk, takes_nothing_from_the_budget) {
    interpreters_each(spent);
}

static void limited(const struct interpreter *interpreter) {
    _cleanup_profiled_ struct profiled profiled = profiled_start(interpreter, NULL);
    const struct bs_trace *trace = profiled_run(&profiled, "--max-walk 8000 loop(1000)");
    if (!CHECK(trace && trace->walk))
        return;
    CHECK(trace->header->flags & BS_IMAGE_CALLS_CUT);
    CHECK(trace->header->walked_instructions <= 8001);
    CHECK(trace->header->walked_instructions > 6000);
    CHECK_EQ(trace->walk->missing_count, 0);
    char note[128];
    snprintf(
        note, sizeof(note),
        "note                C functions are known up to event #%zu: the walk ended after 8,000 machine "
        "instructions (--max-walk)",
        trace->walk->end_event);
    CHECK(strstr(process_host_output(profiled.process), note));
    CHECK(trace->walk->end_event < trace->event_count);
    CHECK(bs_calls_has_trees(trace, profiled_event(trace, "FOR_ITER", 0)));
    CHECK(!bs_calls_has_trees(trace, profiled_event(trace, "RETURN", 0)));
}

TEST(walk, the_limit_is_kept_and_told) {
    interpreters_each(limited);
}

/* What disturbs stepping: it works nevertheless. */
static void awkward(const struct interpreter *interpreter) {
    static const char *const calls[] = {"forks()", "threads()", "signals()"};
    _cleanup_profiled_ struct profiled profiled = profiled_start(interpreter, NULL);
    for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
        const struct bs_trace *trace = profiled_run(&profiled, calls[i]);
        if (!CHECK(trace && trace->walk) || !CHECK_EQ(trace->header->outcome, BS_OUTCOME_RETURNED))
            printf("  in %s\n", calls[i]);
    }
}

TEST(walk, forks_threads_and_signals_are_survived) {
    interpreters_each(awkward);
}

static void another_path(const struct interpreter *interpreter) {
    _cleanup_profiled_ struct profiled profiled = profiled_start(interpreter, NULL);
    const struct bs_trace *trace = profiled_run(&profiled, "changes()");
    if (!CHECK(trace && trace->walk))
        return;
    CHECK(trace->walk->missing_count || trace->walk->stray_count);
    CHECK(strstr(process_host_output(profiled.process),
                 "the walk of C functions took another path than the trace"));
}

TEST(walk, another_path_is_told) {
    interpreters_each(another_path);
}

/* Run @p line, and check that it prints each of @p parts, which end with NULL, in this order. */
static void check_shows(struct profiled *profiled, const char *line, const char *const *parts) {
    profiled->process->output.length = 0;
    if (!CHECK_OK(bs_session_run(profiled->session, &profiled->process->host, line)))
        return;
    const char *at = process_host_output(profiled->process);
    for (; *parts; parts++) {
        const char *found = strstr(at, *parts);
        if (!CHECK(found)) {
            printf("  no \"%s\" after `%s`:\n%s", *parts, line,
                   process_host_output(profiled->process));
            return;
        }
        at = found + strlen(*parts);
    }
}

static void shown(const struct interpreter *interpreter) {
    /* In a debug build most of a call's instructions are the interpreter's own. */
    const char *const where_most_ran = interpreter_is_debug(interpreter) ? " > " : "walked_exact";
    const char *const listing[] = {"machine instructions; beside each opcode", "CALL",
                                   where_most_ran, "RETURN", NULL};
    static const char *const tree[] = {"machine instructions in all, and in the function itself",
                                       "  walked_exact",
                                       "    walked_outer",
                                       "      walked_inner",
                                       "    PyLong_FromLong",
                                       NULL};
    static const char *const functions[] = {"by function",  "extension  ",  "C functions",
                                            "walked_inner", "walked_outer", NULL};
    static const char *const none[] = {"RETURN", NULL};
    _cleanup_profiled_ struct profiled profiled = profiled_start(interpreter, NULL);
    char line[64];
    const struct bs_trace *trace = profiled_run(&profiled, "extension()");
    if (!check_whole(trace))
        return;
    check_shows(&profiled, "show", listing);
    check_shows(&profiled, "show --native=tree", tree + 1);
    snprintf(line, sizeof(line), "show --event %zu", event_with(trace, "walked_outer") + 1);
    check_shows(&profiled, line, tree);
    check_shows(&profiled, "show --by function", functions);
    check_shows(&profiled, "show --native=none", none);
    CHECK(!strstr(process_host_output(profiled.process), "walked_outer"));
}

TEST(walk, shown_beside_under_and_summed) {
    interpreters_each(shown);
}

/* Saved and loaded, it needs no process. */
static void saved(const struct interpreter *interpreter) {
    char path[] = "/tmp/walk-XXXXXX", line[64];
    static const char *const parts[] = {"CALL", "  walked_exact", NULL};
    _cleanup_profiled_ struct profiled profiled = profiled_start(interpreter, NULL);
    if (!CHECK(profiled_run(&profiled, "extension()")))
        return;
    _cleanup_close_ int fd = mkstemp(path);
    snprintf(line, sizeof(line), "save %s", path);
    check_shows(&profiled, line, (const char *const[]){"Saved", NULL});
    CHECK(profiled_run(&profiled, "add(1, 2)"));
    snprintf(line, sizeof(line), "load %s", path);
    check_shows(&profiled, line, (const char *const[]){NULL});
    check_shows(&profiled, "show --native=tree", parts);
    unlink(path);
}

TEST(walk, saved_with_its_names) {
    interpreters_each(saved);
}

/* A walk that would take minutes. */
static void interrupted(const struct interpreter *interpreter) {
    _cleanup_profiled_ struct profiled profiled = profiled_start(interpreter, NULL);
    struct process_host *process = profiled.process;
    time_t start = time(NULL);
    process->interrupt_at = process->callbacks + 400;
    CHECK_ERROR(bs_session_run(profiled.session, &process->host,
                               "profile --engine settrace --warmups 1 --repeats 1 --max-walk "
                               "16000000 --max-events 100 loop(3000000)"),
                BS_ERROR_INTERRUPTED, "");
    CHECK(time(NULL) - start < 60);
    CHECK(!process->progress_shown);
    process->interrupt_at = 0;
    process->interrupted = false;
    check_whole(profiled_run(&profiled, "add(1, 2)"));
}

TEST(walk, ctrl_c_ends_it) {
    interpreters_each(interrupted);
}

static void not_wanted(const struct interpreter *interpreter) {
    _cleanup_profiled_ struct profiled profiled = profiled_start(interpreter, NULL);
    const struct bs_trace *trace = profiled_run(&profiled, "--no-native add(1, 2)");
    if (CHECK(trace)) {
        CHECK(!trace->walk);
        CHECK_EQ(trace->header->walk_text, 0);
    }
    trace = profiled_run(&profiled, "--in-process add(1, 2)");
    if (CHECK(trace)) {
        struct bs_text why = bs_trace_text(trace, trace->header->walk_text);
        CHECK(!trace->walk);
        CHECK_BYTES(why.data, why.length,
                    "C functions are not shown: only a clone can be walked, not the process "
                    "itself");
    }
}

TEST(walk, there_is_none_where_it_is_not_wanted_or_not_possible) {
    interpreters_each(not_wanted);
}

#endif
