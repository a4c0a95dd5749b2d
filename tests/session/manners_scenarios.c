/* What a command leaves behind: nothing. */
#include "session.h"

#include <stdlib.h>
#include <string.h>

SCENARIO(process_unchanged, EVERY_PYTHON) {
    stop_in_c(s, "unchanged.py");
    SAY(s, "bytesight trace work()");
    EXPECT(s, "//// Trace of `work` :");
    SAY(s, "bytesight profile --warmups 20 --repeats 20 work(10)");
    EXPECT(s, "work");
    SAY(s, "bytesight trace no_such_name()");
    SAY(s, "bytesight trace os._exit(3)");
    session_say_and_interrupt(s, "bytesight trace --timeout 100 spin()", 300000);
    session_say_and_interrupt(s, "bytesight profile --timeout 100 spin()", 300000);
    GO_ON(s);
    EXPECT_PROGRAM(s, "compared 6\n");
}

/* The debugger, too: its breakpoints, and where the user stands. */
SCENARIO(debugger_unchanged, ONE_PYTHON) {
    stop_in_c(s, "counter.py");
    SAY_WORDS(s, break_at, "write");
    SAY_WORDS(s, up);
    SAY_WORDS(s, up);
    SAY_WORDS(s, list_breakpoints);
    char *breakpoints = s->output;
    s->output = NULL;
    SAY_WORDS(s, where);
    char *where = s->output;
    s->output = NULL;
    SAY(s, "bytesight trace count(2)");
    EXPECT(s, "FOR_ITER");
    SAY_WORDS(s, where);
    if (!s->failed)
        CHECK_TEXT(s->output, where);
    SAY_WORDS(s, list_breakpoints);
    if (!s->failed)
        CHECK_TEXT(s->output, breakpoints);
    free(where);
    free(breakpoints);
    SAY_WORDS(s, backtrace); /* looks for symbols in every library, ours included */
    EXPECT_NOT(s, "warning");
    EXPECT_NOT(s, "BFD");
    GO_ON(s); /* to write() */
    SAY_WORDS(s, backtrace);
    EXPECT(s, "write");
    SAY_WORDS(s, delete_breakpoints);
    GO_ON(s);
    EXPECT_PROGRAM(s, "counted 10 10\n");
}

/* One is loaded by the first call of each program. */
SCENARIO(stops_at_libraries_end_nothing, ONE_PYTHON) {
    stop_in_c(s, "counter.py");
    SAY_WORDS(s, library_stops, 1);
    SAY(s, "bytesight trace count(2)");
    EXPECT(s, "//// Trace of `count` :");
    SAY_WORDS(s, library_stops, 0);
    GO_ON(s);
    EXPECT_PROGRAM(s, "counted 10 10\n");
}

/* A signal tells a run in the process that its time is up, and is nobody else's business. */
SCENARIO(the_end_of_the_time_is_passed_on, ONE_PYTHON) {
    stop_in_c(s, "calls.py");
    SAY_WORDS(s, keep_deadline);
    SAY(s, "bytesight trace --in-process plain()");
    EXPECT(s, "//// Trace of `plain` :");
    SAY(s, "bytesight trace --in-process --timeout 1 spins()");
    EXPECT_SENTENCE(s, "was still running after 1 s and was stopped");
    session_say_and_interrupt(s, "bytesight trace --in-process --timeout 100 spins()", 900000);
    GO_ON(s);
    EXPECT_PROGRAM(s, "went on 1\n");
}

/* What the debugger takes away of a call that crashed takes nothing of ours with it. */
SCENARIO(crash_in_process, EVERY_PYTHON) {
    stop_in_c(s, "crashes.py");
    SAY(s, "bytesight trace --in-process --timeout 1 crash()");
    EXPECT_NOT(s, "//// Trace of");
    GO_ON(s);
    EXPECT_PROGRAM(s, "went on 499500\n");
}

/* LLDB ends calls where C++ throws, unless it is told not to. */
SCENARIO(exceptions_of_cxx_end_nothing, ONE_PYTHON) {
    stop_in_c(s, "throws.py " BUILD_DIR "/tests/session");
    SAY(s, "bytesight trace --in-process caught");
    EXPECT(s, "//// Trace of `caught` :");
    SAY(s, "bytesight profile --in-process --warmups 3 --repeats 5 caught");
    EXPECT(s, "//// Trace of `caught` :");
    GO_ON(s);
    EXPECT_PROGRAM(s, "caught 5\n");
}

SCENARIO(many_commands_in_a_row, ONE_PYTHON) {
    stop_in_c(s, "unchanged.py");
    for (int i = 0; i < 20; i++) {
        SAY(s, "bytesight trace work(%d)", i);
        EXPECT(s, "//// Trace of `work` :");
    }
    GO_ON(s);
    EXPECT_PROGRAM(s, "compared 6\n");
}

/* The agent stays. Whoever attaches next must not take a file of the program for it. */
SCENARIO(nothing_is_read_by_the_next_debugger, ONE_PYTHON) {
    session_attach(s, "pipes.py");
    SAY(s, "bytesight trace short(3)");
    EXPECT(s, "//// Trace of `short` :");
    SAY_WORDS(s, detach);
    AWAIT_PROGRAM(s, "piped\n");
    session_attach_again(s);
    EXPECT_NOT(s, "Could not load");
    EXPECT_NOT(s, "/fd/");
    SAY(s, "bytesight trace short(4)");
    EXPECT(s, "//// Trace of `short` :");
    int status = session_leave(s);
    if (!s->failed)
        CHECK_EQ(status, 0);
    EXPECT_PROGRAM(s, "ready\npiped\n0123456789\n0123456789\n0123456789\n");
}

/* One that came while the program was stopped: the debugger stops at it when it continues. */
SCENARIO(a_signal_is_kept, ONE_PYTHON) {
    stop_in_c(s, "signalled.py");
    session_python(s, "import os; os.kill(%s, 10)", s->debugger->process_id);
    SAY(s, "bytesight trace short(3)");
    EXPECT(s, "//// Trace of `short` :");
    EXPECT_NOT(s, "SIGUSR1");
    SAY(s, "bytesight trace --in-process short(3)");
    EXPECT(s, "//// Trace of `short` :");
    EXPECT_NOT(s, "SIGUSR1");
    GO_ON(s);
    EXPECT(s, "SIGUSR1");
    SAY_WORDS(s, delete_breakpoints);
    GO_ON(s);
    /* On a busy machine LLDB may keep one that looks lost, and is sent again: it comes twice. */
    if (!strcmp(s->debugger->name, "lldb") && strstr(s->output, "SIGUSR1"))
        GO_ON(s);
    EXPECT_PROGRAM(s, "got 1\n"); /* Python calls its handler once for both */
}
