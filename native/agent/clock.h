/*
 * The clock of all timings: the time-stamp counter where it can be trusted, else the system's
 * monotonic clock. Readings are ticks; ticks_ns converts. Decided once, by bs_clock_open().
 */
#ifndef BS_AGENT_CLOCK_H
#define BS_AGENT_CLOCK_H

#include "format/image.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct clock {
    enum bs_clock kind;
    uint64_t hz;
    double tick_ns;
    double step_ns; /* the usual difference between two readings that differ */
};

extern struct clock bs_clock;

/*
 * Choose and calibrate, which takes some milliseconds. The time-stamp counter is used when the
 * processor says that it is invariant, it goes forward while the thread moves from one processor
 * to another, and two calibrations agree.
 */
void bs_clock_open(void);

/*
 * The C library's own: programs are run with libraries that put another before it (libfaketime), by
 * which neither the deadline nor a time may go.
 */
extern int (*bs_clock_gettime)(clockid_t clock, struct timespec *ret);

static inline uint64_t bs_clock_system_ns(void) {
    struct timespec now;
    bs_clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* A reading, as cheap as it gets. */
static inline uint64_t bs_clock_now(void) {
#ifdef __x86_64__
    if (bs_clock.kind == BS_CLOCK_TSC)
        return __builtin_ia32_rdtsc();
#endif
    return bs_clock_system_ns();
}

#endif
