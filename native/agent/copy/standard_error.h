/*
 * What the worker writes to standard error. It must not reach the program's terminal, but programs
 * that end themselves say why there: Py_FatalError(), C++'s std::terminate(), a panic of Rust's. So
 * it goes to a file in memory, which the watcher keeps short and reads when the worker has ended.
 */
#ifndef BS_AGENT_COPY_STANDARD_ERROR_H
#define BS_AGENT_COPY_STANDARD_ERROR_H

#include <stddef.h>

/* For the watcher, which the worker inherits it from. -1: there is none, and nothing is kept. */
int bs_standard_error_open(void);

/* Now and then: give back the memory of all but the last part. @p fd may be -1. */
void bs_standard_error_trim(int fd);

/*
 * What of it may say why the worker ended itself, on one line and ready for people, as a string;
 * "" if nothing was written. @p fd may be -1.
 */
void bs_standard_error_words(int fd, char *ret, size_t bytes);

#endif
