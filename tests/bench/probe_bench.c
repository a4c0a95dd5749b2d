/*
 * What the engines add to each opcode, for every interpreter, and by how much they slow a loop of
 * arithmetic down. The floor is what reading the time-stamp counter takes by itself: with a stamp
 * for each opcode, and not for some as in the repeats, it could be no less.
 */
#include "check.h"
#include "probe/probed.h"

#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define READINGS 1000000

static uint64_t system_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* One reading after another, the least of some tries. */
static double reading_ns(void) {
    double least = 1e9;
#ifdef __x86_64__
    for (int try = 0; try < 10; try++) {
        uint64_t start = system_ns();
        for (int i = 0; i < READINGS; i++)
            (void)__builtin_ia32_rdtsc();
        double each = (double)(system_ns() - start) / READINGS;
        least = each < least ? each : least;
    }
#endif
    return least;
}

static void measure(const struct interpreter *interpreter) {
    char reading[32];
    const char *args[] = {BUILD_DIR "/libbytesight_agent.so", reading, NULL};
    snprintf(reading, sizeof(reading), "%f", reading_ns());
    probed_print(interpreter, "bench/probe.py", args);
}

TEST(bench, what_engines_add) {
    printf("reading the time-stamp counter: %.1f ns\n", reading_ns());
    printf("ns added to each opcode, and times slower, of a loop of arithmetic; floor: the times "
           "slower if each took as long as reading the counter:\n"
           "%-10s%-9s%9s%8s%18s%20s%20s\n",
           "Python", "register", "ns/opcode", "floor", "probe", "settrace in C",
           "settrace in Python");
    interpreters_each(measure);
}
