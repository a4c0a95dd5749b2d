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

struct interpreter {
    const char *path;    /* of the executable, symbolic links resolved */
    const char *version; /* "3.13.0" */
    uint32_t python;     /* PY_VERSION_HEX */
};

/* All of them, sorted by version. Found once; valid until the program ends. */
const struct interpreter *interpreters(size_t *ret_count);

/*
 * Run @p test on each interpreter, its path and version printed first. Notes a skip for each of
 * 3.10 to 3.15 of which there is none. BS_PYTHON=3.13 in the environment restricts to versions
 * that begin so.
 */
void interpreters_each(void (*test)(const struct interpreter *interpreter));

#endif
