/*
 * Errors. A function that can fail returns struct bs_error *: NULL is success. Its results go into
 * last parameters called `ret`, touched on success only. The message is one clear sentence without
 * a final period or a newline, and names the thing and the way out: it is shown to the user as is.
 */
#ifndef BS_CORE_ERROR_H
#define BS_CORE_ERROR_H

#include <stdint.h>

enum bs_error_code {
    BS_ERROR_NO_MEMORY,   /* ours, not the target's */
    BS_ERROR_USAGE,       /* what the user typed */
    BS_ERROR_STATE,       /* not possible now: no process, no trace, Python not initialised */
    BS_ERROR_FAULT,       /* target memory at `addr` could not be read or written */
    BS_ERROR_CORRUPT,     /* data from outside that contradicts itself */
    BS_ERROR_UNSUPPORTED, /* a version, an architecture, a build */
    BS_ERROR_TARGET,      /* CALL or the inferior failed: raised, crashed, timed out */
    BS_ERROR_INTERRUPTED, /* Ctrl-C */
    BS_ERROR_OS,          /* a file, a system call */
    BS_ERROR_HOST,        /* the debugger said no; its own words */
    BS_ERROR_SYMBOLS,     /* the debugger has those of another file than the one that runs */
    BS_ERROR_NOT_FOUND,
};

struct bs_error {
    enum bs_error_code code;
    uint64_t addr; /* BS_ERROR_FAULT only */
    const char *message;
};

/* Static: running out of memory needs no memory. Freeing them is a no-op. */
extern struct bs_error bs_enomem;
extern struct bs_error bs_interrupted; /* Ctrl-C */

/* Make an error; never NULL (bs_enomem if it must be). */
struct bs_error *bs_error_create(enum bs_error_code code, const char *format, ...)
    __attribute__((__format__(__printf__, 2, 3), __returns_nonnull__));
/* Free @p error and its message. NULL is allowed. */
void bs_error_destroy(struct bs_error *error);

/* A memory fault at @p addr; the message says so in hexadecimal after @p what. */
struct bs_error *bs_error_fault(uint64_t addr, const char *what)
    __attribute__((__returns_nonnull__));

/* Give @p error, which is consumed, another message: of the old one too, where that is an argument.
   One that is static, or that there is no memory for, stays as it was. */
struct bs_error *bs_error_reword(struct bs_error *error, const char *format, ...)
    __attribute__((__format__(__printf__, 2, 3), __returns_nonnull__));

/* Put "@p prefix: " before the message of @p error, which is consumed. */
struct bs_error *bs_error_prefix(struct bs_error *error, const char *format, ...)
    __attribute__((__format__(__printf__, 2, 3), __returns_nonnull__));

/* The first of two errors, the other one destroyed: a failure, then that of its clean-up. */
static inline struct bs_error *bs_error_first(struct bs_error *first, struct bs_error *second) {
    if (!first)
        return second;
    bs_error_destroy(second);
    return first;
}

#endif
