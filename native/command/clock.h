/* The debugger's own clock, for progress, patience and deadlines. */
#ifndef BS_COMMAND_CLOCK_H
#define BS_COMMAND_CLOCK_H

#include <stdint.h>
#include <time.h>

#define BS_NS_PER_MS 1000000ull
#define BS_NS_PER_S  1000000000ull

static inline uint64_t bs_clock_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * BS_NS_PER_S + (uint64_t)now.tv_nsec;
}

/* Sleep, or less when a signal comes: whoever calls looks at what it waits for again anyway. */
static inline void bs_clock_sleep_ns(uint64_t ns) {
    struct timespec time = {.tv_sec = (time_t)(ns / BS_NS_PER_S),
                            .tv_nsec = (long)(ns % BS_NS_PER_S)};
    nanosleep(&time, NULL);
}

#endif
