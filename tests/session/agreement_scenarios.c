/*
 * GDB and LLDB, stopped at the same place, print the same text but for addresses and numbers of
 * processes.
 */
#include "session.h"

#include "core/cleanup.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is said, and from where on the answer is compared; times are never the same twice. */
static const struct {
    const char *line, *from;
} questions[] = {
    {"status", ""},
    {"stack", "#1 "}, /* LLDB stops behind a function's first instructions */
    {"code short", ""},
    {"trace short(2)", ""},
    {"show --by opcode", ""},
    {"profile --warmups 50 --repeats 50 short(3)", NULL},
    {"show --by function", "//// C functions"},
    {"trace no_such_name()", ""},
    {"stack --all", "#1 "},
    {"stack", "#1 "}, /* the last one is asked in malloc() */
};
#define QUESTIONS (sizeof(questions) / sizeof(*questions))

static char *answers[2][QUESTIONS];
static size_t current; /* index into the former */

static void collect(struct session *s) {
    /* GDB ends stacks at main(), which is a function by itself in a debug build. */
    if (s->debugger == &debugger_gdb)
        SAY(s, "set backtrace past-main on");
    stop_in_c(s, "allocates.py");
    for (size_t i = 0; i < QUESTIONS; i++) {
        if (i == QUESTIONS - 1) {
            SAY_WORDS(s, break_at, "malloc");
            GO_ON(s);
        }
        SAY(s, "bytesight %s", questions[i].line);
        answers[current][i] = s->failed ? NULL : strdup(s->output);
    }
    SAY_WORDS(s, delete_breakpoints);
    GO_ON(s);
    EXPECT_PROGRAM(s, "ready\nallocated 100000\n");
}

static bool is_number_of(const char *text, const char *start, const char *what) {
    size_t length = strlen(what);
    return (size_t)(text - start) >= length && !memcmp(text - length, what, length);
}

/* Replace hexadecimal numbers and those of threads and processes by N, in place. */
static void mask(char *text) {
    char *to = text;
    for (char *from = text; *from;) {
        size_t digits = strspn(from, "0123456789");
        if (!strncmp(from, "0x", 2) && isxdigit((unsigned char)from[2])) {
            from += 2 + strspn(from + 2, "0123456789abcdef");
            *to++ = 'N';
        } else if (digits &&
                   (is_number_of(to, text, "hread ") || is_number_of(to, text, "rocess ") ||
                    is_number_of(to, text, "process      "))) {
            from += digits;
            *to++ = 'N';
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
}

/* The part of an answer that is compared, masked; NULL: nothing of it. */
static const char *comparable(size_t debugger, size_t question, const char *error_prefix) {
    char *answer = answers[debugger][question];
    if (!answer || !questions[question].from)
        return NULL;
    mask(answer);
    char *from = strstr(answer, questions[question].from);
    size_t length = strlen(error_prefix);
    return from && !strncmp(from, error_prefix, length) ? from + length : from;
}

/*
 * A debug build searches dicts and its cache of methods in every call, where an address decides how
 * far: its C functions run as many instructions only where all lies where it lay.
 */
static bool is_exact(const struct interpreter *python, const char *line) {
    return !interpreter_is_debug(python) || strcmp(line, "show --by function") != 0;
}

static void compare(const struct interpreter *python) {
    current = 0;
    bool both = scenario_run_on(&debugger_gdb, python, collect, 0);
    current = 1;
    both = scenario_run_on(&debugger_lldb, python, collect, 0) && both;
    for (size_t i = 0; both && i < QUESTIONS; i++) {
        const char *gdb = comparable(0, i, debugger_gdb.error_prefix);
        const char *lldb = comparable(1, i, debugger_lldb.error_prefix);
        if (lldb && strstr(lldb, "which C frame runs it is not known"))
            check_skip(questions[i].line, "LLDB 20, which finds callers of functions in pieces");
        else if (questions[i].from && is_exact(python, questions[i].line) && CHECK(gdb && lldb))
            check_lines(lldb, gdb, questions[i].line);
    }
    for (size_t i = 0; i < 2 * QUESTIONS; i++) {
        free(answers[i / QUESTIONS][i % QUESTIONS]);
        answers[i / QUESTIONS][i % QUESTIONS] = NULL;
    }
}

TEST(both, same_text) {
    interpreters_each(compare);
}
