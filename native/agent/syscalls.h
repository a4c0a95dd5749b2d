/*
 * System calls without the C library, for signal handlers: the debugger's breakpoints may be in
 * any function of it. Results as the kernel gives them: negative errno on failure.
 */
#ifndef BS_AGENT_SYSCALLS_H
#define BS_AGENT_SYSCALLS_H

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static inline long bs_sys(long number, long a, long b, long c, long d) {
#if defined(__x86_64__)
    /* psABI, appendix A.2.1; the fifth and sixth arguments are not needed here. */
    long result;
    register long r10 __asm__("r10") = d;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
#endif
}

static inline int bs_sys_open(const char *path, int flags) {
    return (int)bs_sys(SYS_openat, AT_FDCWD, (long)(intptr_t)path, flags, 0);
}

static inline int bs_sys_close(int fd) {
    return (int)bs_sys(SYS_close, fd, 0, 0, 0);
}

static inline long bs_sys_read(int fd, void *data, size_t length) {
    return bs_sys(SYS_read, fd, (long)(intptr_t)data, (long)length, 0);
}

static inline long bs_sys_pread(int fd, void *data, size_t length, long offset) {
    return bs_sys(SYS_pread64, fd, (long)(intptr_t)data, (long)length, offset);
}

static inline long bs_sys_pwrite(int fd, const void *data, size_t length, long offset) {
    return bs_sys(SYS_pwrite64, fd, (long)(intptr_t)data, (long)length, offset);
}

/* glibc has it since 2.30 only. */
static inline int bs_sys_gettid(void) {
    return (int)bs_sys(SYS_gettid, 0, 0, 0, 0);
}

/* The kernel's structure is the C library's on the architectures above. */
static inline int bs_sys_fstat(int fd, struct stat *ret) {
    return (int)bs_sys(SYS_fstat, fd, (long)(intptr_t)ret, 0, 0);
}

static inline int bs_sys_mprotect(uint64_t addr, uint64_t length, int protection) {
    return (int)bs_sys(SYS_mprotect, (long)addr, (long)length, protection, 0);
}

/* Send @p signal to this thread. */
static inline void bs_sys_raise(int signal) {
    long pid = bs_sys(SYS_getpid, 0, 0, 0, 0), tid = bs_sys(SYS_gettid, 0, 0, 0, 0);
    bs_sys(SYS_tgkill, pid, tid, signal, 0);
}

/* Give @p signal back its default action. The kernel's struct sigaction: all zero is SIG_DFL. */
static inline void bs_sys_default(int signal) {
    const uint64_t action[4] = {0};
    bs_sys(SYS_rt_sigaction, signal, (long)(intptr_t)action, 0, sizeof(uint64_t));
}

#endif
