/* The hosts by themselves: every method, asked by programs/host_probe.py. */
#include "session.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char answers[] = "state live True 0\n"
                              "threads [True]\n"
                              "lookup of nothing LookupError\n"
                              "read 4096 refused, in one line: True\n"
                              "modules True 1 True\n"
                              "build ID [20]\n"
                              "libc ['libc.so.6']\n"
                              "walk True True True\n"
                              "describe True True\n"
                              "describe True True\n"
                              "describe nothing [(None, None, 0, None, 0)]\n"
                              "call True\n"
                              "write True\n"
                              "read as it is ['-', '+', 'OK', 'E01']\n"
                              "write to nothing refused, in one line: True\n"
                              "number 23\n"
                              "unmapped 0\n";
static const char after_the_signal[] = "call of nothing refused, in one line: True\n"
                                       "as before True True\n"
                                       "interrupted False\n"
                                       "plain text \xe2\x9c\x93\n";

SCENARIO(host_answers, ONE_PYTHON) {
    stop_in_c(s, "counter.py");
    session_python(s, "import sys; sys.path.insert(0, '" SOURCE_DIR "/tests/session/programs')");
    session_python(s, "import host_probe; host_probe.probe(%s)", s->debugger->host);
    EXPECT(s, answers);
    EXPECT(s, after_the_signal);
    GO_ON(s);
    EXPECT_PROGRAM(s, "counted 10 10\n");
}

/*
 * A library that was upgraded while it ran, and loaded anew since: two that have one name. And one
 * that maps its code once more, elsewhere, as libffi does: that is no part of it. Nor is code that
 * was made behind it, as Python's for perf.
 */
SCENARIO_GDB(modules_of_one_name_are_two, ONE_PYTHON) {
    stop_in_c(s, "counter.py");
    session_python(s, "import sys; sys.path.insert(0, '" SOURCE_DIR "/tests/session/programs')");
    session_python(s, "import host_probe; host_probe.upgraded()");
    EXPECT(s, "/lib/a.so 0x1000 0x2000\n"
              "/lib/b.so 0x5000 0x6000\n"
              "/lib/a.so 0x8000 0x9000\n"
              "/lib/c.so 0xa000 0xd000\n");
    GO_ON(s);
    EXPECT_PROGRAM(s, "counted 10 10\n");
}

/* The first section of a file lies behind its headers, with which the module begins. */
SCENARIO_GDB(modules_begin_before_their_sections, ONE_PYTHON) {
    session_python(s, "import sys; sys.path.insert(0, '" SOURCE_DIR "/tests/session/programs')");
    session_python(s, "import host_probe; host_probe.sectioned()");
    EXPECT(s, "0x400000 0x421000\n"
              "0x7ffff7fc4000 0x7ffff7fe5084\n");
}

/* LLDB shows them, from where calls and jumps lead to, and knows no place on the stack for them. */
SCENARIO(frames_that_are_gone_lie_among_the_others, ONE_PYTHON) {
    stop_in_c(s, "linked.py " BUILD_DIR "/tests/session tail");
    session_python(s, "import sys; sys.path.insert(0, '" SOURCE_DIR "/tests/session/programs')");
    session_python(s, "import host_probe; host_probe.stacks(%s)", s->debugger->host);
    EXPECT(s, "stacks True True\n");
    SAY(s, "bytesight stack");
    EXPECT(s, "[py]  <module> at ");
    GO_ON(s);
    EXPECT_PROGRAM(s, "linked 5 1\n");
}

/* What was optimised when it was linked is one unit, and has its functions from many files. */
SCENARIO(functions_of_a_linked_unit_are_in_their_files, ONE_PYTHON) {
    stop_in_c(s, "linked.py " BUILD_DIR "/tests/session");
    session_python(s, "import sys; sys.path.insert(0, '" SOURCE_DIR "/tests/session/programs')");
    session_python(s, "import host_probe; host_probe.places(%s, 'linked_first', 'linked_second')",
                   s->debugger->host);
    EXPECT(s, "linked_first linked_first.c 9\n"
              "linked_second linked_second.c 10\n");
    GO_ON(s);
    EXPECT_PROGRAM(s, "linked 5 1\n");
}

/* A call goes on: given up half-way it would leave locks taken, such as the loader's. */
static void call_outlives_ctrl_c(struct session *s) {
    char line[256];
    stop_in_c(s, "counter.py");
    session_python(s, "import sys; sys.path.insert(0, '" SOURCE_DIR "/tests/session/programs')");
    snprintf(line, sizeof(line), "import host_probe; host_probe.sleep(%s)", s->debugger->host);
    session_begin(s, s->debugger->python, line);
    AWAIT(s, "sleeping");
    usleep(300000);
    session_interrupt(s);
    AWAIT(s, "slept 0 True");
    session_finish(s);
    GO_ON(s);
    EXPECT_PROGRAM(s, "counted 10 10\n");
}

SCENARIO(call_outlives_ctrl_c, ONE_PYTHON) {
    call_outlives_ctrl_c(s);
}

SCENARIO(call_outlives_ctrl_c_on_a_terminal, ONE_PYTHON | ON_TTY) {
    call_outlives_ctrl_c(s);
}

/* Take the way out that an error names, if there is one: a shared libpython is found anyway. */
static void add_symbols(struct session *s) {
    char command[512];
    const char *way_out = s->failed ? NULL : strstr(s->output, "add-symbol-file");
    if (!way_out)
        return;
    snprintf(command, sizeof(command), "%.*s", (int)strcspn(way_out, "`"), way_out);
    SAY(s, "%s", command);
}

/* GDB takes for the program what was started, and passes over what the loader calls so. */
SCENARIO_GDB(run_by_the_loader, EVERY_PYTHON) {
    static const char loader[] = "/lib64/ld-linux-x86-64.so.2";
    char arguments[PATH_MAX];
    if (access(loader, X_OK)) {
        check_skip("the dynamic loader", loader);
        return;
    }
    SAY_WORDS(s, program, loader);
    SAY_WORDS(s, break_at, STOP_FUNCTION);
    snprintf(arguments, sizeof(arguments), "%s " PROGRAMS "/counter.py", s->python->path);
    session_run(s, arguments);
    SAY(s, "bytesight status");
    add_symbols(s);
    SAY(s, "bytesight status");
    EXPECT(s, s->python->version);
    SAY(s, "bytesight trace count(3)");
    EXPECT(s, "FOR_ITER");
    GO_ON(s);
    EXPECT_PROGRAM(s, "counted 10 10\n");
}

SCENARIO_GDB(lookup_needs_no_pointers, ONE_PYTHON) {
    SAY_WORDS(s, program, BUILD_DIR "/tests/session/libbolted.so");
    SAY(s, "print sizeof(where)");
    EXPECT(s, "= 0");
    session_python(s,
                   "print(%s.lookup('bolted') == int(gdb.parse_and_eval('(long)&bolted.number')))",
                   s->debugger->host);
    EXPECT(s, "True");
}
