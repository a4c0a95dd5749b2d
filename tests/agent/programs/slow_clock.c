/* Stands before the C library, as libfaketime does: all clocks go at a hundredth of their pace. */
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PACE 100

int clock_gettime(clockid_t clock, struct timespec *ret) {
    int result = (int)syscall(SYS_clock_gettime, clock, ret);
    const long long ns = (ret->tv_sec * 1000000000LL + ret->tv_nsec) / PACE;
    *ret = (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    return result;
}
