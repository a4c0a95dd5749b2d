/* The events of the trace pass, against what Python's own sys.settrace and dis see of the call. */
#include "check.h"
#include "core/cleanup.h"
#include "drive.h"

#include <stdio.h>
#include <string.h>

static const char *const calls[] = {
    "add(1, c=4)",
    "add(*[], c=4, **{'b': 2, 'a': 1})",
    "Counter([1], b=2, a=1)",
    "call_with(1)",
    "call_with(0)",
    "consume(3)",
    "delegated(3)",
    "thrown_into()",
    "matched([5, 6])",
    "matched({'key': 3})",
    "matched(1)",
    "factorial(5)",
    "callbacks([3, 1, 2])",
    "Point(1, 2).norm(scale=3)",
    "Point.Inner.make(4)",
    "sorted([3, 1, 2], key=lambda v: -v)",
    "fail('boom')",
    "reraised()",
    "escaping_generator()",
    "loop(3)",
    "wide()",
    "make_many(3)",
    "run_steps(3)",
    "comprehensions(2)",
    "captured(1, 2)",
    "unwound()",
    "len([1])",
};
#define CALL_COUNT (sizeof(calls) / sizeof(calls[0]))

/* Say where two texts part, rather than print them. */
static void check_same_lines(const char *call, const char *actual, const char *expected) {
    size_t at = 0, line = 1, start = 0;
    while (actual[at] && actual[at] == expected[at]) {
        line += actual[at] == '\n';
        start = actual[at++] == '\n' ? at : start;
    }
    if (!CHECK(actual[at] == expected[at]))
        printf("  %s, line %zu\n  expected %.60s\n  actual   %.60s\n", call, line, expected + start,
               actual + start);
}

static void compare_with_settrace(const struct interpreter *interpreter) {
    struct run runs[CALL_COUNT] = {};
    for (size_t i = 0; i < CALL_COUNT; i++)
        runs[i] = (struct run){.call = calls[i], .options = "oracle=1"};
    drive(interpreter, CASES, runs, CALL_COUNT);
    for (size_t i = 0; i < CALL_COUNT; i++) {
        if (!CHECK(runs[i].trace && runs[i].oracle))
            continue;
        _cleanup_free_ char *events = events_text(runs[i].trace);
        check_same_lines(calls[i], events, runs[i].oracle);
    }
    drive_release(runs, CALL_COUNT);
}

TEST(events, are_those_of_settrace) {
    interpreters_each(compare_with_settrace);
}

static size_t count_kind(const struct bs_trace *trace, enum bs_event_kind kind) {
    size_t count = 0;
    for (size_t i = 0; i < trace->event_count; i++)
        count += trace->events[i].kind == kind;
    return count;
}

/* Calls and returns nest, whatever happens between them. */
static void check_nesting(const struct bs_trace *trace) {
    int64_t depth = 0, deepest = 0;
    for (size_t i = 0; i < trace->event_count; i++) {
        depth += trace->events[i].kind == BS_EVENT_CALL;
        depth -= trace->events[i].kind == BS_EVENT_RETURN;
        deepest = depth > deepest ? depth : deepest;
        CHECK(depth >= 0);
    }
    CHECK_EQ(depth, 0);
    CHECK(deepest > 1);
}

static void trace_library(const struct interpreter *interpreter) {
    struct run runs[] = {
        {.call = "run_async(3)"},
        {.call = "json:dumps({'a': [1, 2.5, None], 'b': {'c': 'd'}}, indent=1)"},
        {.call = "re:compile(r'(a|b)*c{2,3}[^d-f]')"},
        {.call = "unittest:TestLoader().loadTestsFromName('unittest')"},
    };
    drive(interpreter, CASES, runs, 4);
    for (size_t i = 0; i < 4; i++) {
        CHECK_EQ(runs[i].header.outcome, BS_OUTCOME_RETURNED);
        if (!CHECK(runs[i].trace))
            continue;
        check_nesting(runs[i].trace);
        CHECK(runs[i].trace->opcode_count > 100);
        CHECK_EQ(runs[i].header.events_seen, runs[i].trace->event_count);
    }
    drive_release(runs, 4);
}

TEST(events, nest_in_the_standard_library) {
    interpreters_each(trace_library);
}

/* The text of the last RETURN of @p trace; "-" when there is none. */
static void check_returned(const struct run *run, const char *expected) {
    struct bs_text text = {"-", 1};
    if (!CHECK(run->trace))
        return;
    for (size_t i = 0; i < run->trace->event_count; i++) {
        if (run->trace->events[i].kind == BS_EVENT_RETURN)
            text = bs_trace_text(run->trace, run->trace->events[i].text);
    }
    if (!CHECK_BYTES(text.data, text.length, expected))
        printf("  in %s\n", run->call);
}

static void show_values(const struct interpreter *interpreter) {
    static const struct {
        const char *call, *returned;
    } values[] = {
        {"give(None)", "None"},
        {"give('')", "''"},
        {"give('it\\'s')", "\"it's\""},
        {"give(b'\\x00')", "b'\\x00'"},
        {"give([])", "[]"},
        {"give((1,))", "(1,)"},
        {"give((1, [2, {3: {4}}]))", "(1, [2, {3: {4}}])"},
        {"give({})", "{}"},
        {"give(set())", "set()"},
        {"give(frozenset([1]))", "frozenset({1})"},
        {"give(frozenset())", "frozenset()"},
        {"give(-12345678901234567890)", "-12345678901234567890"},
        {"give('\\udc80')", "'\\udc80'"},
        {"give('\\u00e4' * 3)", "'\u00e4\u00e4\u00e4'"},
        {"recursive_list()", "[1, [...]]"},
        {"bad_repr()", "<repr of BadRepr raised RuntimeError>"},
        {"give([BadRepr()])", "[<repr of BadRepr raised RuntimeError>]"},
        {"no_text_repr()", "<repr of NoTextRepr raised TypeError>"},
        {"give(1 << 1000000)", "<int of 1000001 bits>"},
    };
    enum {
        COUNT = sizeof(values) / sizeof(values[0])
    };
    struct run runs[COUNT] = {};
    for (size_t i = 0; i < COUNT; i++)
        runs[i].call = values[i].call;
    drive(interpreter, CASES, runs, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        check_returned(&runs[i], values[i].returned);
    drive_release(runs, COUNT);
}

TEST(events, show_returned_values) {
    interpreters_each(show_values);
}

/* None as a value is told from none at all by the opcode that returned it. */
static void show_none(const struct interpreter *interpreter) {
    struct run run = {.call = "give(None)"};
    drive(interpreter, SOURCE_DIR "/tests/agent/programs/shadows.py", &run, 1);
    check_returned(&run, "None");
    drive_release(&run, 1);
}

TEST(events, need_no_module_of_the_program) {
    interpreters_each(show_none);
}

/* Of what is in no file, older Pythons find the lines by its name, newer ones by its code. */
static void show_typed_source(const struct interpreter *interpreter) {
    static const char *const sources[] = {"return 1", "sorted([1], key=lambda v: -v)"};
    struct run runs[] = {{.call = "now()"}, {.call = sources[1]}};
    drive(interpreter, CASES, runs, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct bs_trace *trace = runs[i].trace;
        if (!CHECK(trace && trace->event_count > 1))
            continue;
        struct bs_text text = bs_trace_source(trace, &trace->events[1]);
        CHECK_BYTES(text.data, text.length, sources[i]);
    }
    drive_release(runs, 2);
}

TEST(events, show_source_that_is_in_no_file) {
    interpreters_each(show_typed_source);
}

/* Values of many megabytes are cut, and not rendered before. */
static void cut_values(const struct interpreter *interpreter) {
    static const struct {
        const char *call, *start;
    } values[] = {
        {"huge('str')", "'xxxx"},      {"huge('bytes')", "b'yyyy"},
        {"huge('list')", "[7, 7, 7,"}, {"huge('dict')", "{0: 0, 1: 1,"},
        {"huge('nested')", "[['zzzz"}, {"huge('wide')", "'\u20ac\u20ac"},
        {"huge('failing')", "{'kkkk"},
    };
    enum {
        COUNT = sizeof(values) / sizeof(values[0])
    };
    struct run runs[COUNT] = {};
    for (size_t i = 0; i < COUNT; i++)
        runs[i] = (struct run){.call = values[i].call, .options = "timeout=20"};
    drive(interpreter, CASES, runs, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        CHECK_EQ(runs[i].header.outcome, BS_OUTCOME_RETURNED);
        struct bs_trace *trace = runs[i].trace;
        if (!CHECK(trace && trace->event_count > 1))
            continue;
        struct bs_text text = bs_trace_text(trace, trace->events[trace->event_count - 2].text);
        CHECK(text.length > 190 && text.length <= 203);
        CHECK(!memcmp(text.data, values[i].start, strlen(values[i].start)));
        CHECK(!memcmp(text.data + text.length - 3, "...", 3));
    }
    drive_release(runs, COUNT);
}

TEST(events, cut_huge_values) {
    interpreters_each(cut_values);
}

/* Of other types than the language's own a large one is not rendered at all. */
static void name_values(const struct interpreter *interpreter) {
    static const struct {
        const char *call, *returned;
    } values[] = {
        {"big('defaultdict')", "<defaultdict of 300000 items>"},
        {"big('keys')", "<dict_keys of 300000 items>"},
        {"big('deque')", "<deque of 300000 items>"},
        {"big('text')", "<Text of 50000000 items>"},
        {"big('range')", "range(0, 500000)"},
        {"big('counted')", "{1: 2}"},
    };
    enum {
        COUNT = sizeof(values) / sizeof(values[0])
    };
    struct run runs[COUNT] = {};
    for (size_t i = 0; i < COUNT; i++)
        runs[i] = (struct run){.call = values[i].call, .options = "timeout=10"};
    drive(interpreter, CASES, runs, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        CHECK_EQ(runs[i].header.outcome, BS_OUTCOME_RETURNED);
        check_returned(&runs[i], values[i].returned);
    }
    drive_release(runs, COUNT);
}

TEST(events, name_large_values_of_other_types) {
    interpreters_each(name_values);
}

static void show_exceptions(const struct interpreter *interpreter) {
    struct run runs[] = {
        {.call = "bad_str()"},
        {.call = "fail('x' * 100000000)"},
        {.call = "fail('a')"},
        {.call = "unwound()"},
    };
    drive(interpreter, CASES, runs, 4);
    CHECK_TEXT(runs[0].message, "BadStr: <str of BadStr raised RuntimeError>");
    CHECK(runs[1].message && strlen(runs[1].message) < 260);
    CHECK_TEXT(runs[2].message, "ValueError: a");
    /* Left by an exception, every frame: no value. */
    if (CHECK(runs[3].trace)) {
        CHECK(count_kind(runs[3].trace, BS_EVENT_RETURN) >= 3);
        CHECK(count_kind(runs[3].trace, BS_EVENT_EXCEPTION) >= 3);
        for (size_t i = 0; i < runs[3].trace->event_count; i++) {
            const struct bs_event *event = &runs[3].trace->events[i];
            if (event->kind == BS_EVENT_RETURN && i + 2 < runs[3].trace->event_count)
                CHECK(event[1].kind != BS_EVENT_EXCEPTION || !event->text);
        }
        CHECK(!runs[3].trace->events[runs[3].trace->event_count - 2].text);
    }
    drive_release(runs, 4);
}

TEST(events, show_exceptions) {
    interpreters_each(show_exceptions);
}

static void lose_events(const struct interpreter *interpreter) {
    struct run runs[] = {
        {.call = "loop(100000)", .options = "max_events=1000"},
        {.call = "loop(0)", .options = "max_events=1"},
        {.call = "returns(1000)", .options = "max_events=100000"},
        {.call = "make_wide(700)", .options = "max_events=100000"},
    };
    drive(interpreter, CASES, runs, 4);
    if (CHECK(runs[0].trace && runs[1].trace && runs[2].trace && runs[3].trace)) {
        CHECK(runs[0].header.flags & BS_IMAGE_EVENTS_LOST);
        CHECK(!(runs[0].header.flags & BS_IMAGE_FULL));
        CHECK_EQ(runs[0].trace->event_count, 1001); /* and the STOP */
        CHECK(runs[0].header.events_seen > 300000);
        CHECK_EQ(runs[1].trace->event_count, 2);
        /* A thousand equal values are one text. */
        CHECK(!(runs[2].header.flags & BS_IMAGE_EVENTS_LOST));
        CHECK(runs[2].header.sections[BS_SECTION_HEAP].used_bytes < 3000);
        /* Less events than the limit, but more code than there is room for. */
        CHECK(runs[3].header.flags & BS_IMAGE_EVENTS_LOST);
        CHECK(runs[3].header.flags & BS_IMAGE_FULL);
        CHECK(runs[3].trace->event_count < 100000);
    }
    drive_release(runs, 4);
}

TEST(events, beyond_the_limit_are_counted) {
    interpreters_each(lose_events);
}

/* The package may be there, and made for another Python. */
static bool has_greenlets(const struct interpreter *interpreter) {
    const char *const args[] = {
        "-I", "-c", "try: import greenlet\nexcept ImportError: raise SystemExit(1)", NULL};
    pid_t pid;
    FILE *output = program_open(interpreter->path, args, &pid);
    return output && !program_close(output, pid);
}

/* In another greenlet frames of the program stand where ours were, and are traced too. */
static void leave_the_stack(const struct interpreter *interpreter) {
    struct run runs[] = {
        {.call = "switching()", .options = "inside=in_greenlet"},
        {.call = "switching()", .options = "inside=in_greenlet\nin_process=1"},
        {.call = "switching()", .options = "inside=in_greenlet\nin_process=1\nprofile=1"},
    };
    if (!has_greenlets(interpreter)) {
        check_skip(interpreter->name, "greenlets");
        return;
    }
    drive(interpreter, SOURCE_DIR "/tests/agent/programs/greenlets.py", runs, 3);
    for (size_t i = 0; i < 3; i++) {
        CHECK_EQ(runs[i].header.outcome, BS_OUTCOME_RETURNED);
        check_returned(&runs[i], "5");
    }
    drive_release(runs, 3);
}

TEST(events, go_on_in_other_greenlets) {
    interpreters_each(leave_the_stack);
}
