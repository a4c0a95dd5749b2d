/* Python frames among C frames: the verb, and the debugger's own backtrace. */
#include "session.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* How often @p what occurs in the output. */
static int count(const struct session *s, const char *what) {
    int found = 0;
    for (const char *at = s->output; at && (at = strstr(at, what)); at++)
        found++;
    return found;
}

SCENARIO(stack, EVERY_PYTHON) {
    stop_in_c(s, "counter.py");
    SAY(s, "bytesight stack");
    EXPECT(s, ", holds the GIL");
    EXPECT(s, "\n#1 "); /* the innermost may have no part of the stack, and is not the last */
    EXPECT(s, "[py]  inner at " PROGRAMS "/counter.py:14, ");
    EXPECT(s, "[py]  outer at " PROGRAMS "/counter.py:20, ");
    EXPECT(s, "[py]  <module> at " PROGRAMS "/counter.py:23, ");
    SAY(s, "bytesight code count");
    EXPECT(s, "FOR_ITER");
    GO_ON(s);
    EXPECT_PROGRAM(s, "counted 10 10\n");
}

SCENARIO(backtrace, EVERY_PYTHON) {
    stop_in_c(s, "counter.py");
    SAY_WORDS(s, backtrace);
    char *plain = s->failed ? NULL : strdup(s->output);
    SAY(s, "bytesight set frame-filter on");
    SAY_WORDS(s, backtrace);
    EXPECT(s, "[py] ");
    EXPECT(s, PROGRAMS "/counter.py:23");
    SAY(s, "bytesight set frame-filter off");
    SAY_WORDS(s, backtrace);
    if (!s->failed)
        CHECK_TEXT(s->output, plain);
    free(plain);
    GO_ON(s);
    EXPECT_PROGRAM(s, "counted 10 10\n");
}

SCENARIO(a_place_without_a_line, EVERY_PYTHON) {
    stop_in_c(s, "no_line.py");
    SAY(s, "bytesight stack");
    EXPECT(s, "[py]  Body at " PROGRAMS "/no_line.py, ");
    SAY(s, "bytesight set frame-filter on");
    SAY_WORDS(s, backtrace);
    EXPECT(s, " at " PROGRAMS "/no_line.py\n");
    GO_ON(s);
    EXPECT_PROGRAM(s, "without a line\n");
}

/* Names are the program's: none of them reaches the terminal as a command. */
SCENARIO(backtrace_makes_names_harmless, ONE_PYTHON) {
    stop_in_c(s, "odd_name.py");
    SAY(s, "bytesight set frame-filter on");
    SAY_WORDS(s, backtrace);
    EXPECT(s, "odd\\x1b[2J");
    EXPECT(s, "\\x1b[2J.py");
    GO_ON(s);
    EXPECT_PROGRAM(s, "odd 3\n");
}

/* GDB's: its MI says of every setting that it changed, and in the middle of a backtrace that spoils
 * the answer. */
SCENARIO_GDB(backtrace_changes_no_setting, ONE_PYTHON) {
    stop_in_c(s, "counter.py");
    SAY(s, "bytesight set frame-filter on");
    SAY(s, "python said, real = [], gdb.execute");
    SAY(s, "python gdb.execute = lambda *words: (said.append(words[0]), real(*words))[1]");
    SAY_WORDS(s, backtrace);
    EXPECT(s, "[py] ");
    SAY(s, "python gdb.execute = real");
    SAY(s, "python print('set:', [line for line in said if line.startswith('set ')])");
    EXPECT(s, "set: []");
    GO_ON(s);
    EXPECT_PROGRAM(s, "counted 10 10\n");
}

/* 500 frames in a second; the limit leaves room for a busy machine and a debug build. */
SCENARIO(deep_stack, ONE_PYTHON) {
    stop_in_c(s, "recurses.py 60");
    double start = seconds();
    SAY(s, "bytesight stack");
    double took = seconds() - start;
    if (!s->failed) {
        CHECK_EQ(count(s, "[py]  deep at "), 61);
        CHECK_EQ(count(s, "<lambda> at "), 60);
        CHECK(took < 5);
    }
    GO_ON(s);
    EXPECT_PROGRAM(s, "was 60 deep: 60\n");
}
