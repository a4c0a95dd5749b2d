/* What the suites of command/ have in common: a session beside a fake host. */
#ifndef TESTS_COMMAND_HARNESS_H
#define TESTS_COMMAND_HARNESS_H

#include "check.h"
#include "command/session.h"
#include "fake_host.h"

struct harness {
    struct fake_host *fake;
    struct bs_session *session;
};

/* A session whose agent is a file of BUILD_DIR that is only ever copied, never loaded. */
struct harness harness_create(void);
/* The same with a process that has a C library and a Python whose one thread holds the GIL. */
struct harness harness_python(void);
void harness_destroy(struct harness *harness);
#define _cleanup_harness_ _cleanup_(harness_destroy)

/* Run @p line; what it printed is in the fake's output, which is emptied before. */
struct bs_error *harness_run(struct harness *harness, const char *line);

/* Run @p line, which must succeed and print @p part. */
#define CHECK_PRINTS(harness, line, part)                                                          \
    harness_check_prints((harness), (line), (part), __FILE__, __LINE__)
bool harness_check_prints(struct harness *harness, const char *command, const char *part,
                          const char *file, unsigned int line);
bool harness_check_output(struct harness *harness, const char *part, const char *file,
                          unsigned int line);

#endif
