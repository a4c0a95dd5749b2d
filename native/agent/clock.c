#include "agent/clock.h"

#include "agent/quantile.h"

#include <dlfcn.h>
#include <gnu/lib-names.h>
#include <sched.h>
#include <string.h>

struct clock bs_clock = {.kind = BS_CLOCK_SYSTEM, .hz = 1000000000, .tick_ns = 1, .step_ns = 1};

int (*bs_clock_gettime)(clockid_t clock, struct timespec *ret) = clock_gettime;

/*
 * While the agent is loaded: later the loader may be locked. The C library is there already; musl
 * knows itself by that name too (its ldso/dynlink.c, load_library).
 */
__attribute__((constructor)) static void look_up(void) {
    void *libc = dlopen(LIBC_SO, RTLD_LAZY | RTLD_NOLOAD);
    void *found = libc ? dlsym(libc, "clock_gettime") : NULL;
    if (found)
        bs_clock_gettime = found;
}

#define STEPS 501

#define CALIBRATION_NS   4000000 /* each of two */
#define CALIBRATION_SLIP 2e-4    /* how far the two may differ, as a part of one */

/*
 * The step between two readings that differ, a median: a counter that goes by 26, and that is made
 * of one of another frequency, shows a step of 1 now and then (AMD family 26, in a virtual
 * machine).
 */
static double usual_step_ticks(void) {
    float steps[STEPS];
    for (int i = 0; i < STEPS; i++) {
        uint64_t first = bs_clock_now(), second;
        do
            second = bs_clock_now();
        while (second == first);
        steps[i] = (float)(second - first);
    }
    return bs_quantile(steps, STEPS, 0.5);
}

#ifdef __x86_64__
#include <cpuid.h>

/* "Invariant TSC": Intel SDM volume 3, 18.17.1; CPUID 80000007h, EDX bit 8. */
static bool tsc_is_invariant(void) {
    unsigned int eax, ebx, ecx, edx;
    return __get_cpuid(0x80000007, &eax, &ebx, &ecx, &edx) && (edx & (1u << 8));
}

struct reading {
    uint64_t ticks, ns;
};

/* Both clocks at one moment: of several tries the one in which the two readings were closest. */
static struct reading read_both(void) {
    struct reading best = {};
    uint64_t closest = UINT64_MAX;
    for (int i = 0; i < 16; i++) {
        uint64_t before = __builtin_ia32_rdtsc();
        uint64_t ns = bs_clock_system_ns();
        uint64_t after = __builtin_ia32_rdtsc();
        if (after - before < closest) {
            closest = after - before;
            best = (struct reading){.ticks = before + closest / 2, .ns = ns};
        }
    }
    return best;
}

/* Ticks a second over some milliseconds; 0 when the counter went backwards. */
static double measure_hz(void) {
    struct reading first = read_both(), last;
    uint64_t previous = 0;
    do {
        last = read_both();
        if (last.ticks < previous)
            return 0;
        previous = last.ticks;
    } while (last.ns - first.ns < CALIBRATION_NS);
    return (double)(last.ticks - first.ticks) / (double)(last.ns - first.ns) * 1e9;
}

/*
 * Whether the counters of the processors that this thread may run on agree: on each in turn the
 * counter must not be behind what another showed before. The thread is put back where it was.
 */
static bool tsc_is_synchronised(void) {
    cpu_set_t allowed, one;
    if (sched_getaffinity(0, sizeof(allowed), &allowed))
        return true; /* more processors than a cpu_set_t has: nothing can be tried */
    bool forward = true;
    uint64_t previous = 0;
    for (int round = 0, tried = 0; round < 2; round++) {
        for (int cpu = 0; cpu < CPU_SETSIZE && tried < 32; cpu++) {
            if (!CPU_ISSET(cpu, &allowed))
                continue;
            CPU_ZERO(&one);
            CPU_SET(cpu, &one);
            if (sched_setaffinity(0, sizeof(one), &one))
                continue;
            tried++;
            uint64_t now = __builtin_ia32_rdtsc();
            forward = forward && now > previous;
            previous = now;
        }
    }
    sched_setaffinity(0, sizeof(allowed), &allowed);
    return forward;
}

static bool open_tsc(void) {
    if (!tsc_is_invariant() || !tsc_is_synchronised())
        return false;
    double first = measure_hz(), second = measure_hz();
    double slip = first > second ? first - second : second - first;
    if (first < 1e6 || slip > first * CALIBRATION_SLIP)
        return false;
    double hz = (first + second) / 2;
    bs_clock = (struct clock){.kind = BS_CLOCK_TSC, .hz = (uint64_t)hz, .tick_ns = 1e9 / hz};
    return true;
}
#else
static bool open_tsc(void) {
    return false;
}
#endif

void bs_clock_open(void) {
    if (!open_tsc())
        bs_clock = (struct clock){.kind = BS_CLOCK_SYSTEM, .hz = 1000000000, .tick_ns = 1};
    bs_clock.step_ns = usual_step_ticks() * bs_clock.tick_ns;
}
