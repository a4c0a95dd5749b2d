/* C functions beside opcodes: what the debugger's own debug information makes of the walk. */
#ifdef __x86_64__

#include "session.h"

#include "core/cleanup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROFILE "bytesight profile --warmups 100 --repeats 20 "

/* Returns whether all functions of Python have names; else some are shown by module and offset.
 */
static bool stop_in_native(struct session *s) {
    stop_in_c(s, "native.py " BUILD_DIR "/tests/walk");
    SAY(s, "bytesight status");
    return !s->failed && strstr(s->output, ", with symbols\n");
}

/* Of a function that a stripped Python may not name. */
#define EXPECT_STATIC(s, named, function) EXPECT(s, (named) ? (function) : "+0x")

/* On the way to where most ran: in a debug build most are checks, which are everywhere. */
static void expect_most(struct session *s, const char *function) {
    if (!interpreter_is_debug(s->python))
        EXPECT(s, function);
}

static void leave_native(struct session *s) {
    GO_ON(s);
    EXPECT_PROGRAM(s, "was -1 [3, 2, 1] 1\n");
}

/* The number of the event in the first line of the output that contains @p opcode: "#12". */
static unsigned int event_of(struct session *s, const char *opcode) {
    unsigned int number = 0;
    const char *line = s->failed ? NULL : strstr(s->output, opcode);
    const char *mark = line ? memchr(line, '#', strcspn(line, "\n")) : NULL;
    if (!s->failed && !CHECK(mark && sscanf(mark, "#%u", &number) == 1))
        s->failed = true;
    return number;
}

/* Of a listing what does not depend on times: the lines of the trees. */
static char *trees_of(const struct session *s) {
    char *trees = strdup(s->output), *end = trees;
    _cleanup_free_ char *copy = strdup(s->output);
    for (char *rest = copy, *line; (line = strsep(&rest, "\n"));) {
        if (!strstr(line, " in ") && !strstr(line, "    "))
            continue;
        /* An event has a number, and may have a time: not where nothing was dispatched. */
        if (!strstr(line, " ns") && !strchr(line, '#') && strncmp(line, "//", 2) != 0)
            end += sprintf(end, "%s\n", line);
    }
    *end = '\0';
    return trees;
}

/* GDB's, for it has words for the environment. Not every Python can compile. */
SCENARIO_GDB(machine_code_that_python_made, EVERY_PYTHON) {
    SAY(s, "set environment PYTHON_JIT 1");
    stop_in_c(s, "compiled.py");
    SAY(s, "bytesight profile --repeats 20 --adaptive total(20)");
    EXPECT(s, "//// Trace of `total` :");
    const bool can = !s->failed && strstr(s->output, " was thrown away first, ");
    if (!s->failed) {
        CHECK_EQ(strstr(s->output, " ENTER_EXECUTOR ") != NULL, can);
        CHECK_EQ(strstr(s->output, " ran machine code made of opcodes (PYTHON_JIT)") != NULL, can);
    }
    GO_ON(s);
    EXPECT_PROGRAM(s, can ? "compiles True, total 45\n" : "compiles False, total 45\n");
}

SCENARIO(native_division_by_zero, ONE_PYTHON) {
    const bool named = stop_in_native(s);
    SAY(s, PROFILE "divide(1, 0)");
    expect_most(s, named ? "long_true_divide" : "+0x");
    unsigned int division = event_of(s, "BINARY_"); /* up to 3.10 BINARY_TRUE_DIVIDE */
    SAY(s, "bytesight show --native=tree --event %u", division);
    EXPECT_STATIC(s, named, " in _PyEval_EvalFrameDefault");
    EXPECT_STATIC(s, named, "long_true_divide");
    EXPECT(s, "PyErr_SetString");
    EXPECT_STATIC(s, named, "PyTraceBack_Here");
    SAY(s, "bytesight show --by function");
    EXPECT_STATIC(s, named, "long_true_divide");
    EXPECT(s, "PyErr_GivenExceptionMatches");
    leave_native(s);
}

SCENARIO(native_sorted, ONE_PYTHON) {
    const bool named = stop_in_native(s);
    SAY(s, PROFILE "in_order()");
    SAY(s, "bytesight show --native=tree");
    EXPECT_STATIC(s, named, "list_sort_impl");
    EXPECT(s, "(runs the opcodes that follow)");
    EXPECT(s, "PyNumber_Negative");
    leave_native(s);
}

SCENARIO(native_extension, ONE_PYTHON) {
    stop_in_native(s);
    SAY(s, PROFILE "extension()");
    expect_most(s, "walked_exact");
    SAY(s, "bytesight show --native=tree");
    EXPECT(s, "walked_exact walked_extension.c:43");
    EXPECT(s, "walked_inner");
    SAY(s, "bytesight show --by function");
    EXPECT(s, "walked_inner");
    leave_native(s);
}

SCENARIO(native_trees_are_the_same_again, ONE_PYTHON) {
    char *trees[2] = {};
    const bool named = stop_in_native(s);
    for (size_t i = 0; i < 2; i++) {
        SAY(s, PROFILE "in_order()");
        SAY(s, "bytesight show --native=tree");
        trees[i] = s->failed ? NULL : trees_of(s);
    }
    if (!s->failed) {
        CHECK(strstr(trees[0], named ? "list_sort_impl" : "+0x"));
        check_lines(trees[1], trees[0], "the trees of the second profile");
    }
    free(trees[0]);
    free(trees[1]);
    leave_native(s);
}

#endif
