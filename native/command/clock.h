/* The debugger's own clock, for progress, patience and deadlines; and the system's others. */
#ifndef BS_COMMAND_CLOCK_H
#define BS_COMMAND_CLOCK_H

#include <stdint.h>
#include <time.h>

#define BS_NS_PER_MS 1000000ull
#define BS_NS_PER_S  1000000000ull

static inline int64_t bs_clock_ns(struct timespec time) {
    return time.tv_sec * (int64_t)BS_NS_PER_S + time.tv_nsec;
}

/* What @p clock shows now. */
static inline int64_t bs_clock_read_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return bs_clock_ns(now);
}

static inline uint64_t bs_clock_now_ns(void) {
    return (uint64_t)bs_clock_read_ns(CLOCK_MONOTONIC);
}

/* Sleep, or less when a signal comes: whoever calls looks at what it waits for again anyway. */
static inline void bs_clock_sleep_ns(uint64_t ns) {
    struct timespec time = {.tv_sec = (time_t)(ns / BS_NS_PER_S),
                            .tv_nsec = (long)(ns % BS_NS_PER_S)};
    nanosleep(&time, NULL);
}

#endif
