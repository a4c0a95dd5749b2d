/* Under a front end: another program that drives the debugger, and reads what it says. */
#include "session.h"

#include <stdlib.h>

/*
 * GDB 18 quotes for GDB/MI even what it gives to us, where MI runs a command: names had quotes,
 * and SIGINT, by which a front end interrupts, did not stop the program any more.
 */
SCENARIO_GDB(what_mi_quotes, ONE_PYTHON) {
    stop_in_c(s, "counter.py");
    SAY(s, "info signals SIGINT");
    char *before = s->output;
    s->output = NULL;
    SAY(s, "interpreter-exec mi3 \"bytesight stack\"");
    EXPECT(s, "\\n#0    getppid ");
    EXPECT(s, "^done");
    SAY(s, "interpreter-exec mi3 \"bytesight trace count(2)\"");
    EXPECT(s, "FOR_ITER");
    SAY(s, "info signals SIGINT");
    if (!s->failed)
        CHECK_TEXT(s->output, before);
    free(before);
    GO_ON(s);
    EXPECT_PROGRAM(s, "counted 10 10\n");
}

/* Run a command for MI on the terminal that mi_on_a_terminal has made, and say what came out. */
static void say_to_mi(struct session *s, const char *command) {
    session_python(s, "said = os.write(mi, b'%s\\n') and b''", command);
    session_python(s, "while b'^done' not in said: said += os.read(mi, 4096)");
    session_python(s, "print(ascii(said))");
}

/* A client of a container may make one for MI, and Vim has a second one beside GDB's own. */
SCENARIO_GDB(mi_on_a_terminal, ONE_PYTHON | ON_TTY) {
    stop_in_c(s, "calls.py");
    SAY(s, "bytesight code plain");
    EXPECT(s, "\033[");
    session_python(s, "import os, sys; mi, tty = os.openpty()");
    session_python(s, "gdb.execute('new-ui mi3 ' + os.ttyname(tty))");
    say_to_mi(s, "bytesight code plain");
    EXPECT(s, "RETURN_");
    EXPECT_NOT(s, "\\e[");
    EXPECT_NOT(s, "033[");
    say_to_mi(s, "python print(sys.modules[\"bytesight_gdb.host\"].Host().progress)");
    EXPECT(s, "False");
    SAY(s, "bytesight code plain");
    EXPECT(s, "\033[");
}
