/* What programs/stops.py says at a stop: its threads and their frames. */
#ifndef TESTS_INSPECT_TOLD_H
#define TESTS_INSPECT_TOLD_H

#include "process.h"

#define TOLD_FRAMES_MAX  2000
#define TOLD_THREADS_MAX 8

struct told_frame {
    char *name, *file;
    long line, lasti;
};
struct told_thread {
    uint64_t ident;
    int tid;
    struct told_frame frames[TOLD_FRAMES_MAX]; /* innermost first */
    size_t count;
};
struct told {
    struct told_thread threads[TOLD_THREADS_MAX];
    size_t count;
};

/* Read up to the next stop; false at the end of the program. */
bool told_next(struct process *process, struct told *told);
void told_forget(struct told *told);
/* The thread with this number, or NULL. */
const struct told_thread *told_by_tid(const struct told *told, int tid);

#endif
