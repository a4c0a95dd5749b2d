/* Behind a server on this machine: memory comes through the debugger, the file system is shared. */
#include "session.h"

#include <string.h>

SCENARIO(remote, ONE_PYTHON) {
    if (!session_remote(s, "counter.py"))
        return;
    SAY(s, "bytesight status");
    EXPECT(s, s->python->version);
    SAY(s, "bytesight stack");
    EXPECT(s, "[py]  inner at " PROGRAMS "/counter.py:14, ");
    SAY(s, "bytesight code count");
    EXPECT(s, "FOR_ITER");
    SAY(s, "bytesight trace count(2)");
    EXPECT(s, "//// Trace of `count` :");
    SAY(s, "bytesight profile --warmups 20 --repeats 20 count(2)");
    EXPECT(s, "//// Profile of `count(2)`");
    EXPECT(s, "FOR_ITER");
    SAY(s, "bytesight trace no_such_name()");
    EXPECT_SENTENCE(s, "no_such_name");
    GO_ON(s);
    /* LLDB's server sends what the program prints to the debugger, GDB's leaves it alone. */
    if (!s->failed && !strstr(s->output, "counted 10 10"))
        AWAIT_PROGRAM(s, "counted 10 10\n");
}
