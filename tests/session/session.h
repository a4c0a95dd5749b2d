/*
 * One scenario, every debugger and every Python. A scenario is a function that drives a session:
 *
 *     SCENARIO(trace_of_a_loop, EVERY_PYTHON) {
 *         stop_in_c(s, "counter.py");
 *         SAY(s, "bytesight trace count(2)");
 *         EXPECT(s, "FOR_ITER");
 *         GO_ON(s);
 *         EXPECT_PROGRAM(s, "counted 10\n");
 *     }
 *
 * It becomes the tests gdb.trace_of_a_loop and lldb.trace_of_a_loop, each of which opens the
 * debugger anew for each interpreter. After a check that failed the rest of that session does
 * nothing, and what was said is printed.
 *
 * In the environment: BYTESIGHT_GDB, BYTESIGHT_LLDB (another debugger), BYTESIGHT_PYTHON
 * (see interpreters.h), BYTESIGHT_SHOW=1 (print every session).
 */
#ifndef TESTS_SESSION_SESSION_H
#define TESTS_SESSION_SESSION_H

#include "check.h"
#include "debugger.h"
#include "interpreters.h"
#include "terminal.h"

#include <sys/types.h>

struct session {
    const struct debugger *debugger;
    const struct interpreter *python;
    struct terminal terminal;
    char folder[64];      /* of this session, removed at its end */
    char *output;         /* of the last command, terminated */
    unsigned int markers; /* how many have been asked for */
    bool failed;
    bool bare;     /* BARE */
    pid_t program; /* started by us to be attached to; 0: none */
};

enum scenario_flags {
    ONE_PYTHON = 0,        /* the newest one: where Python's version can make no difference */
    EVERY_PYTHON = 1 << 0, /* each of this machine */
    ON_TTY = 1 << 1,       /* the debugger runs on a terminal */
    BARE = 1 << 2,         /* the plugin is not loaded, and not told where the build is */
};

typedef void (*scenario_fn)(struct session *s);
void scenario_run(const struct debugger *debugger, scenario_fn scenario, unsigned int flags);
/* On one interpreter; false when this debugger or its plugin is missing, which is then noted. */
bool scenario_run_on(const struct debugger *debugger, const struct interpreter *python,
                     scenario_fn scenario, unsigned int flags);

#define SCENARIO_FOR(debugger, name, flags)                                                        \
    TEST(debugger, name) {                                                                         \
        scenario_run(&debugger_##debugger, scenario_##name, flags);                                \
    }

#define SCENARIO(name, flags)                                                                      \
    static void scenario_##name(struct session *s);                                                \
    SCENARIO_FOR(gdb, name, flags)                                                                 \
    SCENARIO_FOR(lldb, name, flags)                                                                \
    static void scenario_##name(struct session *s)

/* A scenario that makes sense in GDB alone; a comment before it says why. */
#define SCENARIO_GDB(name, flags)                                                                  \
    static void scenario_##name(struct session *s);                                                \
    SCENARIO_FOR(gdb, name, flags)                                                                 \
    static void scenario_##name(struct session *s)

/* A scenario that makes sense in LLDB alone; a comment before it says why. */
#define SCENARIO_LLDB(name, flags)                                                                 \
    static void scenario_##name(struct session *s);                                                \
    SCENARIO_FOR(lldb, name, flags)                                                                \
    static void scenario_##name(struct session *s)

/*
 * Send a command and wait until it is done; what it printed is s->output. The second pair does
 * the same in two halves, for what must happen meanwhile.
 */
bool session_say(struct session *s, const char *format, ...)
    __attribute__((__format__(__printf__, 2, 3)));
bool session_begin(struct session *s, const char *format, ...)
    __attribute__((__format__(__printf__, 2, 3)));
bool session_finish(struct session *s);
#define SAY session_say
/* The debugger's own command of that name (debugger.h), with what its format wants. */
#define SAY_WORDS(s, word, ...) session_say((s), (s)->debugger->word, ##__VA_ARGS__)
/* Say a command, and press Ctrl-C when it has run for @p after_us; it must end at once. */
bool session_say_and_interrupt(struct session *s, const char *command, unsigned int after_us);
/* Run one line of Python inside the debugger. */
bool session_python(struct session *s, const char *format, ...)
    __attribute__((__format__(__printf__, 2, 3)));

/* Where the test programs are; their names follow a slash. */
#define PROGRAMS SOURCE_DIR "/tests/session/programs"
/* The C function that test programs call (as os.getppid()) where a session is to stop. */
#define STOP_FUNCTION "getppid"

/*
 * Run a program of tests/session/programs until it calls STOP_FUNCTION. @p arguments: its file
 * name and what follows.
 */
bool stop_in_c(struct session *s, const char *arguments);
/* Run @p arguments of the interpreter to wherever it stops or ends. */
bool session_run(struct session *s, const char *arguments);
/* The same in two halves: let it run, and stop it. */
bool session_start_run(struct session *s, const char *arguments);
bool session_stop_run(struct session *s);
/* Continue, and stop again after @p time_us. */
bool session_go_on_for(struct session *s, unsigned int time_us);
/* Ctrl-C. */
void session_interrupt(struct session *s);

/* Type keys, and wait for a text to appear: what happens within one command on a terminal. */
void session_type(struct session *s, const char *keys);
bool session_await(struct session *s, const char *text, const char *file, unsigned int line);
#define AWAIT(s, text) session_await((s), (text), __FILE__, __LINE__)
/* Continue to wherever it stops or ends. */
bool session_go_on(struct session *s);
#define GO_ON session_go_on

/*
 * Start a program of tests/session/programs by itself, wait until it has printed "ready", and
 * attach to it. session_leave detaches, and waits for its end: its exit status, or -1.
 */
bool session_attach(struct session *s, const char *arguments);
bool session_attach_again(struct session *s); /* to the same program */
int session_leave(struct session *s);

/*
 * Start a program of tests/session/programs under the debugger's server, connect to it, and let it
 * run until it calls STOP_FUNCTION. False, noting a skip, where there is no server.
 */
bool session_remote(struct session *s, const char *arguments);

/* Wait until the program's output contains @p text, whatever the debugger does meanwhile. */
bool session_await_program(struct session *s, const char *text, const char *file,
                           unsigned int line);
#define AWAIT_PROGRAM(s, text) session_await_program((s), (text), __FILE__, __LINE__)

/* What the last command printed: contains @p text; does not; is just one line containing it. */
bool session_expect(struct session *s, const char *text, bool wanted, const char *file,
                    unsigned int line);
bool session_expect_sentence(struct session *s, const char *text, const char *file,
                             unsigned int line);
/* The program's whole output by now. */
bool session_expect_program(struct session *s, const char *text, const char *file,
                            unsigned int line);
#define EXPECT(s, text)          session_expect((s), (text), true, __FILE__, __LINE__)
#define EXPECT_NOT(s, text)      session_expect((s), (text), false, __FILE__, __LINE__)
#define EXPECT_SENTENCE(s, text) session_expect_sentence((s), (text), __FILE__, __LINE__)
#define EXPECT_PROGRAM(s, text)  session_expect_program((s), (text), __FILE__, __LINE__)

/* Whether two long texts are the same; shows the first line where they are not. */
bool check_lines(const char *actual, const char *expected, const char *what);
/* The content of a file, terminated, to be freed; NULL when it cannot be read. */
char *file_content(const char *path);

#endif
