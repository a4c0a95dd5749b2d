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
