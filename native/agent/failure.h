/* Why CALL did not run, as one sentence for the person at the debugger. */
#ifndef BS_AGENT_FAILURE_H
#define BS_AGENT_FAILURE_H

#include "format/image.h"

#include <stdbool.h>
#include <stddef.h>

#define FAILURE_BYTES_MAX 640

struct failure {
    enum bs_outcome outcome; /* NONE: nothing failed */
    char message[FAILURE_BYTES_MAX];
};

/* Each returns false, for `return bs_fail(...)`. Messages have no full stop at their end. */
bool bs_fail(struct failure *failure, enum bs_outcome outcome, const char *format, ...)
    __attribute__((__format__(__printf__, 3, 4)));

/* The same, with ": TypeError: what it says" of the exception that is set, which is cleared. */
bool bs_fail_raised(struct failure *failure, enum bs_outcome outcome, const char *format, ...)
    __attribute__((__format__(__printf__, 3, 4)));

#endif
