/* What users of GDB have set: it holds for them, and our calls go by rules of their own. */
#include "session.h"

SCENARIO_GDB(another_inferior_stays, ONE_PYTHON) {
    stop_in_c(s, "counter.py");
    SAY(s, "add-inferior -exec %s", s->python->path);
    SAY(s, "inferior 2");
    SAY(s, "run " PROGRAMS "/calls.py > /dev/null");
    SAY(s, "set schedule-multiple on");
    SAY(s, "bytesight trace --in-process plain()");
    EXPECT(s, "//// Trace of `plain` :");
    SAY(s, "show schedule-multiple");
    EXPECT(s, "is on");
    SAY(s, "inferior 1");
    SAY(s, "bytesight trace count(2)");
    EXPECT(s, "//// Trace of `count` :");
    SAY(s, "set schedule-multiple off");
    GO_ON(s);
    EXPECT_PROGRAM(s, "counted 10 10\n");
}

SCENARIO_GDB(forks_are_not_followed, ONE_PYTHON) {
    stop_in_c(s, "calls.py");
    SAY(s, "set follow-fork-mode child");
    SAY(s, "set detach-on-fork off");
    SAY(s, "bytesight trace --in-process forks()");
    EXPECT(s, "//// Trace of `forks` :");
    SAY(s, "show follow-fork-mode");
    EXPECT(s, "\"child\"");
    SAY(s, "show detach-on-fork");
    EXPECT(s, "is off");
    SAY(s, "bytesight trace plain()");
    EXPECT(s, "//// Trace of `plain` :");
    GO_ON(s);
    EXPECT_PROGRAM(s, "went on 1\n");
}

/* In which GDB reads numbers. */
SCENARIO_GDB(every_radix, ONE_PYTHON) {
    stop_in_c(s, "counter.py");
    for (unsigned int radix = 16; radix >= 2; radix /= 2) {
        SAY(s, "set input-radix 0x%x", radix);
        SAY(s, "bytesight trace count(2)");
        EXPECT(s, "//// Trace of `count` :");
        SAY(s, "bytesight profile --warmups 10 --repeats 10 count(2)");
        EXPECT(s, "FOR_ITER");
        SAY(s, "bytesight stack");
        EXPECT(s, "[py]  inner at " PROGRAMS "/counter.py:14, ");
        EXPECT(s, "getppid");
    }
    SAY(s, "show input-radix");
    EXPECT(s, "entering numbers is 2.");
}

/* How often a breakpoint may still be hit, and where `x` goes on: listing breakpoints moves it. */
SCENARIO_GDB(counts_and_the_last_address_are_kept, ONE_PYTHON) {
    stop_in_c(s, "counter.py");
    SAY(s, "break write");
    SAY(s, "enable count 3 2");
    SAY(s, "dprintf mmap,\"mapped\\n\"");
    SAY(s, "x/i $pc");
    SAY(s, "bytesight trace count(2)");
    EXPECT(s, "FOR_ITER");
    EXPECT_NOT(s, "mapped");
    SAY(s, "print $_ == $pc");
    EXPECT(s, "= 1");
    SAY(s, "x");
    EXPECT(s, "getppid+");
    SAY(s, "bytesight trace count(2)");
    SAY(s, "info breakpoints");
    EXPECT(s, "disable after next 3 hits");
    EXPECT(s, "dprintf        keep y");
}

/* Python's side of GDB in places of its own: where a breakpoint decides whether it stops. */
SCENARIO_GDB(inside_a_stop_callback, ONE_PYTHON) {
    SAY(s, "source " PROGRAMS "/stop_callback.py");
    session_run(s, PROGRAMS "/counter.py");
    EXPECT(s, "stack: True");
    EXPECT(s, "code: True");
    EXPECT(s, "trace: nothing can be run inside Breakpoint.stop(): use `commands` instead");
    EXPECT(s, "status: True");
    SAY(s, "bytesight trace count(2)");
    EXPECT(s, "//// Trace of `count` :");
    GO_ON(s);
    EXPECT_PROGRAM(s, "counted 10 10\n");
}

SCENARIO_GDB(a_running_thread_is_selected, ONE_PYTHON) {
    SAY(s, "set non-stop on");
    session_attach(s, "threads.py busy");
    SAY(s, "interrupt -a");
    SAY(s, "thread 1");
    SAY(s, "continue &");
    SAY(s, "complete bytesight trace sho");
    EXPECT_NOT(s, "running");
    SAY(s, "bytesight stack");
    EXPECT_SENTENCE(s,
                    "the selected thread is running: interrupt it, or select one that is stopped");
    SAY(s, "bytesight status");
    EXPECT(s, "process      the selected thread is running");
    SAY_WORDS(s, kill);
}

/* It has the processor's instructions stepped one by one, and knows not all of them. */
SCENARIO_GDB(while_gdb_records, ONE_PYTHON) {
    stop_in_c(s, "counter.py");
    SAY(s, "record full");
    SAY(s, "bytesight trace count(2)");
    EXPECT_SENTENCE(s, "type `record stop` first");
    SAY(s, "record stop");
    SAY(s, "bytesight trace count(2)");
    EXPECT(s, "//// Trace of `count` :");
    GO_ON(s);
    EXPECT_PROGRAM(s, "counted 10 10\n");
}
