/* Scope guards: what is declared with one of these is released when the scope ends. */
#ifndef BS_CORE_CLEANUP_H
#define BS_CORE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

static inline void bs_cleanup_free(void *pointer) {
    free(*(void **)pointer);
}

static inline void bs_cleanup_close(const int *fd) {
    if (*fd >= 0)
        close(*fd);
}

#define _cleanup_(function) __attribute__((__cleanup__(function)))
#define _cleanup_free_      _cleanup_(bs_cleanup_free)
#define _cleanup_close_     _cleanup_(bs_cleanup_close)

/* Give a guarded pointer away: yields it and leaves NULL behind. */
#define bs_take(pointer)                                                                           \
    ({                                                                                             \
        __auto_type bs_taken = (pointer);                                                          \
        (pointer) = NULL;                                                                          \
        bs_taken;                                                                                  \
    })

#endif
