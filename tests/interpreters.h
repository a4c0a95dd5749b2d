/*
 * The Python interpreters of this machine, for suites that run against each of them: python3 and
 * python3.N of PATH, /usr/bin and /usr/local/bin, and those of ~/.pyenv/versions. Each
 * installation is listed once, however many names lead to it, and only CPython 3.10 to 3.15.
 */
#ifndef TESTS_INTERPRETERS_H
#define TESTS_INTERPRETERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define INTERPRETERS_MINOR_OLDEST 10
#define INTERPRETERS_MINOR_NEWEST 15

struct interpreter {
    const char *path;    /* of the executable, symbolic links resolved */
    const char *version; /* "3.13.0" */
    uint32_t python;     /* PY_VERSION_HEX */
};

/* All of them, sorted by version. Found once; valid until the program ends. */
const struct interpreter *interpreters(size_t *ret_count);

/*
 * Run @p test on each interpreter, after a line with its version and path. Notes a skip for each
 * of 3.10 to 3.15 of which there is none. BYTESIGHT_PYTHON in the environment restricts to versions
 * that begin with it: BYTESIGHT_PYTHON=3.13, or 3.11.2.
 */
void interpreters_each(void (*test)(const struct interpreter *interpreter));

/*
 * Whether tests/golden/expected has what this very Python should list. Its listings are bytecode,
 * and compilers differ between patch versions too. To record more: add a row in interpreters.c.
 */
bool interpreter_is_golden(const struct interpreter *interpreter);

/*
 * Start @p program (a path) with @p args, which follow its name and end with NULL. What it prints
 * is read from the result; its errors go to ours. NULL with errno set when it cannot be started.
 */
FILE *program_open(const char *program, const char *const *args, pid_t *ret_pid);
/* Close, and return its exit status, or 128 and the signal that ended it. */
int program_close(FILE *output, pid_t pid);

#endif
