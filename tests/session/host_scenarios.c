/* The hosts by themselves: every method, asked by programs/host_probe.py. */
#include "session.h"

#include <stdio.h>
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

/* A library that was upgraded while it ran, and loaded anew since: two that have one name. */
SCENARIO_GDB(modules_of_one_name_are_two, ONE_PYTHON) {
    stop_in_c(s, "counter.py");
    session_python(s, "import sys; sys.path.insert(0, '" SOURCE_DIR "/tests/session/programs')");
    session_python(s, "import host_probe; host_probe.upgraded()");
    EXPECT(s, "/lib/a.so 0x1000 0x2000\n"
              "/lib/b.so 0x5000 0x6000\n"
              "/lib/a.so 0x8000 0x9000\n");
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
