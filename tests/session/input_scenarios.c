/* What people type wrong and what calls do wrong: a sentence each, and everything goes on. */
#include "session.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Say each line, expect its sentence, then see the program end as it would have. */
struct bad_line {
    const char *line;
    const char *sentence;
};

static void expect_sentences(struct session *s, const struct bad_line *lines, size_t count) {
    stop_in_c(s, "calls.py");
    for (size_t i = 0; i < count; i++) {
        SAY(s, "bytesight %s", lines[i].line);
        EXPECT_SENTENCE(s, lines[i].sentence);
    }
    SAY(s, "bytesight trace plain()");
    EXPECT(s, "//// Trace of `plain` :");
    GO_ON(s);
    EXPECT_PROGRAM(s, "went on 1\n");
}
#define EXPECT_SENTENCES(s, lines) expect_sentences((s), (lines), sizeof(lines) / sizeof(*(lines)))

SCENARIO(bad_lines, ONE_PYTHON) {
    static const struct bad_line lines[] = {
        {"trace", "needs CALL"},
        {"trace no_such_name()", "no_such_name"},
        {"trace no_such_module:f()", "no_such_module"},
        {"trace plain(", "SyntaxError"},
        {"trace 'plain", "plain"},
        {"trace plain() +", "SyntaxError"},
        {"trace not_callable()", "not_callable"},
        {"trace not_callable", "callable"},
        {"trace --no-such-option plain()", "no option"},
        {"trace --timeout plain()", "timeout"},
        {"trace --timeout=soon plain()", "not \"soon\""},
        {"profile --repeats=-1 plain()", "repeats"},
        {"trace --engine=warp plain()", "not \"warp\""},
        {"show --range 5-3", "range"},
        {"show", "there is no trace yet"},
        {"save /tmp/x", "there is no trace yet"},
        {"load /no/such/file", "/no/such/file"},
        {"load /dev/null", "/dev/null"},
        {"set no_such_option 3", "no_such_option"},
        {"set repeats many", "not \"many\""},
    };
    EXPECT_SENTENCES(s, lines);
}

/* LLDB knows the verbs itself, and has its own words for one that is not among them. */
SCENARIO_GDB(bad_verbs, ONE_PYTHON) {
    SAY(s, "bytesight frobnicate plain()");
    EXPECT_SENTENCE(s, "there is no verb \"frobnicate\"");
    SAY(s, "bytesight show trace");
    EXPECT_SENTENCE(s, "show takes options only");
}

SCENARIO(bad_calls, ONE_PYTHON) {
    static const struct bad_line lines[] = {
        {"trace --timeout 1 sleeps()", "1 s"},
        {"trace --timeout 1 spins()", "1 s"},
        {"trace leaves()", "7"},
        {"trace dies()", "SIGKILL"},
        {"trace crashes()", "SIGSEGV"},
        {"profile --timeout 1 sleeps()", "1 s"},
        {"profile leaves()", "7"},
        {"profile dies()", "SIGKILL"},
    };
    EXPECT_SENTENCES(s, lines);
}

/* These end by themselves: a listing, which says how. */
SCENARIO(calls_that_raise, ONE_PYTHON) {
    stop_in_c(s, "calls.py");
    SAY(s, "bytesight trace raises()");
    EXPECT(s, "`ValueError`");
    SAY(s, "bytesight trace exits()");
    EXPECT(s, "`SystemExit`");
    SAY(s, "bytesight trace recurses()");
    EXPECT(s, "`RecursionError`");
    SAY(s, "bytesight trace rude()");
    EXPECT(s, "//// Trace of `rude` :");
    SAY(s, "bytesight trace huge()");
    EXPECT(s, "//// Trace of `huge` :");
    if (!s->failed)
        CHECK(strlen(s->output) < 1 << 20);
    SAY(s, "bytesight trace prints()");
    EXPECT(s, "//// Trace of `prints` :");
    GO_ON(s);
    AWAIT_PROGRAM(s, "went on 1\n");
}

SCENARIO(more_events_than_allowed, ONE_PYTHON) {
    stop_in_c(s, "calls.py");
    SAY(s, "bytesight trace --max-events 100 many()");
    EXPECT(s, "100");
    EXPECT_NOT(s, "Traceback");
    if (!s->failed)
        CHECK(strlen(s->output) < 40000);
    GO_ON(s);
    EXPECT_PROGRAM(s, "went on 1\n");
}

/* The session's last interpreter before 3.10, where this machine has one. */
static bool find_old_python(char *ret, size_t size) {
    glob_t found;
    snprintf(ret, size, "%s/.pyenv/versions/3.[6-9].*/bin/python3", getenv("HOME"));
    bool any = !glob(ret, 0, NULL, &found);
    if (any)
        snprintf(ret, size, "%s", found.gl_pathv[found.gl_pathc - 1]);
    globfree(&found);
    return any;
}

SCENARIO(too_old_a_python, ONE_PYTHON) {
    char path[512];
    if (!find_old_python(path, sizeof(path))) {
        check_skip("scenario", "a Python older than 3.10 under ~/.pyenv");
        return;
    }
    SAY_WORDS(s, program, path);
    stop_in_c(s, "counter.py");
    SAY(s, "bytesight trace count(2)");
    EXPECT_SENTENCE(s, "3.10");
    GO_ON(s);
    EXPECT_PROGRAM(s, "counted 10 10\n");
}
