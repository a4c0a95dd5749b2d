/*
 * The Python interpreters of this machine, for suites that run against each of them: python3,
 * python3.N and the debug builds python3.Nd of PATH, /usr/bin and /usr/local/bin, and those of
 * ~/.pyenv/versions. Each installation is listed once, however many names lead to it, and only
 * CPython 3.10 to 3.15.
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
    const char *name;    /* "3.13.0", "3.13.0d" of a debug build */
    const char *version; /* "3.13.0" of both */
    uint32_t python;     /* PY_VERSION_HEX */
};

/* All of them, sorted by version. Found once; valid until the program ends. */
const struct interpreter *interpreters(size_t *ret_count);

/*
 * Whether BYTESIGHT_PYTHON in the environment allows it: names that begin with that (3.13), of
 * debug builds the very name (3.11.2d); without it, all.
 */
bool interpreter_is_wanted(const struct interpreter *interpreter);

/* The newest of those that are wanted; NULL: there is none. */
const struct interpreter *interpreters_newest(void);

/* Whether it was configured --with-pydebug. */
bool interpreter_is_debug(const struct interpreter *interpreter);

/*
 * Run @p test on each interpreter that is wanted, after a line with its version and path. Notes a
 * skip for each of 3.10 to 3.15 of which there is none.
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
