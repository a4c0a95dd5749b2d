/* On a terminal: colours, Ctrl-C, completion, the pager, the progress line. */
#include "session.h"

#include "core/cleanup.h"

#include <string.h>
#include <unistd.h>

#define ESCAPE "\033["

static void interrupted_commands(struct session *s) {
    stop_in_c(s, "calls.py");
    session_say_and_interrupt(s, "bytesight trace --timeout 100 spins()", 700000);
    session_say_and_interrupt(s, "bytesight trace --timeout 100 sleeps()", 500000);
    session_say_and_interrupt(s, "bytesight profile --timeout 100 sleeps()", 500000);
    session_say_and_interrupt(s, "bytesight profile --timeout 100 --warmups 1000000 many()",
                              1500000);
    session_say_and_interrupt(s, "bytesight trace --in-process --timeout 100 spins()", 900000);
    session_say_and_interrupt(s, "bytesight profile --in-process --timeout 100 sleeps()", 900000);
    SAY(s, "bytesight trace plain()");
    EXPECT(s, "//// Trace of `plain` :");
    GO_ON(s);
    AWAIT_PROGRAM(s, "went on 1\n");
}

SCENARIO(ctrl_c, ONE_PYTHON) {
    interrupted_commands(s);
}

SCENARIO(ctrl_c_on_a_terminal, ONE_PYTHON | ON_TTY) {
    interrupted_commands(s);
}

/* At any moment of a command: parsing, loading, running, reading, printing. */
SCENARIO(ctrl_c_at_any_time, ONE_PYTHON) {
    stop_in_c(s, "calls.py");
    for (useconds_t after_us = 1000; after_us < 400000; after_us = after_us * 5 / 4)
        session_say_and_interrupt(s, "bytesight trace --max-events 50000 many()", after_us);
    SAY(s, "help quit"); /* the last Ctrl-C may have come too late for that, and ends this */
    SAY(s, "bytesight trace plain()");
    EXPECT(s, "//// Trace of `plain` :");
    GO_ON(s);
    EXPECT_PROGRAM(s, "went on 1\n");
}

SCENARIO(colours_on_a_terminal, ONE_PYTHON | ON_TTY) {
    stop_in_c(s, "counter.py");
    SAY(s, "bytesight trace count(2)");
    EXPECT(s, "FOR_ITER");
    EXPECT(s, ESCAPE);
    SAY(s, "bytesight trace --no-color count(2)");
    const char *listing = s->failed ? NULL : strstr(s->output, "//// Trace");
    if (CHECK(listing)) {
        const char *end = strstr(listing, "====\r\n\r\n");
        CHECK(end && !memmem(listing, (size_t)(end - listing), ESCAPE, strlen(ESCAPE)));
    }
}

SCENARIO(no_colours_in_a_pipe, ONE_PYTHON) {
    stop_in_c(s, "counter.py");
    SAY(s, "bytesight profile --warmups 10 --repeats 10 count(2)");
    EXPECT(s, "FOR_ITER");
    EXPECT_NOT(s, "\033");
    EXPECT_NOT(s, "\r");
}

SCENARIO(verbs_are_completed, ONE_PYTHON | ON_TTY) {
    stop_in_c(s, "counter.py");
    session_type(s, "bytesig\ttra\tcount(2)\n");
    AWAIT(s, "FOR_ITER");
}

/* LLDB completes arguments only of commands whose options it parses itself, from 21 on. */
SCENARIO_GDB(completion, ONE_PYTHON) {
    stop_in_c(s, "counter.py");
    SAY(s, "complete bytesight tr");
    EXPECT(s, "bytesight trace\n");
    SAY(s, "complete bytesight trace --eng");
    EXPECT(s, "bytesight trace --engine");
    SAY(s, "complete bytesight trace --engine=pr");
    EXPECT(s, "bytesight trace --engine=probe\n");
    SAY(s, "complete bytesight trace cou");
    EXPECT(s, "bytesight trace count");
    SAY(s, "complete bytesight trace os:getpp");
    EXPECT(s, "bytesight trace os:getppid\n");
    SAY(s, "complete bytesight trace os:cou");
    EXPECT_NOT(s, "count");
    SAY(s, "complete bytesight trace f({1:cou");
    EXPECT(s, "bytesight trace f({1:count\n");
    SAY(s, "complete set bytesight rep");
    EXPECT(s, "set bytesight repeats\n");
    SAY(s, "complete set bytesight engine ");
    EXPECT(s, "set bytesight engine settrace\n");
}

SCENARIO_GDB(completion_by_tab, ONE_PYTHON | ON_TTY) {
    stop_in_c(s, "counter.py");
    session_type(s, "bytesight tra\t");
    AWAIT(s, "bytesight trace");
    session_type(s, "--no-c\t");
    AWAIT(s, "--no-color");
    session_type(s, "cou\t");
    AWAIT(s, "count ");
    session_type(s, "\177(2)\n"); /* over the blank that readline adds */
    AWAIT(s, "FOR_ITER");
}

/* GDB has a pager, LLDB has none. */
SCENARIO_GDB(pager, ONE_PYTHON | ON_TTY) {
    stop_in_c(s, "counter.py");
    SAY(s, "set height 10");
    session_type(s, "bytesight trace count(20)\n");
    AWAIT(s, "--Type <RET> for more");
    session_type(s, "\n");
    AWAIT(s, "--Type <RET> for more");
    session_type(s, "q\n");
    AWAIT(s, "Quit");
    session_type(s, "bytesight show\n");
    AWAIT(s, "--Type <RET> for more");
    session_type(s, "c\n");
    AWAIT(s, "RETURN_VALUE");
    SAY(s, "set height unlimited");
    GO_ON(s);
    EXPECT_PROGRAM(s, "counted 10 10\n");
}
