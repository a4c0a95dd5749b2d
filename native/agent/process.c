#include "agent/process.h"

#include "agent/lines.h"
#include "agent/syscalls.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef PR_GET_TID_ADDRESS
#define PR_GET_TID_ADDRESS 40
#endif

/*
 * Where glibc keeps the number of this thread: it tells the kernel, and fork() has the kernel put
 * the child's number there. NULL where the kernel does not say, or something else is there: musl
 * gives a lock of its, and puts the number where it has it by itself (its src/process/_Fork.c).
 */
static int *thread_id_address(void) {
    int *address = NULL;
    if (prctl(PR_GET_TID_ADDRESS, &address, 0, 0, 0) || !address || *address != bs_sys_gettid())
        return NULL;
    return address;
}

/* fork() without the handlers of the program, as POSIX has it since 2024; NULL: there is none. */
static pid_t (*fork_alone)(void);

/* While the agent is loaded: in the copies the loader may be locked. */
__attribute__((constructor)) static void look_up(void) {
    fork_alone = dlsym(RTLD_DEFAULT, "_Fork");
}

pid_t bs_process_clone(int exit_signal) {
    int *tid = thread_id_address();
    unsigned long flags = CLONE_UNTRACED | (unsigned long)exit_signal;
    if (tid)
        flags |= CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
    else if (exit_signal == SIGCHLD) /* the worker, which uses the C library */
        return fork_alone ? fork_alone() : fork();
#if defined(__x86_64__) /* clone(2): the last two arguments are in either order */
    long pid = syscall(SYS_clone, flags, NULL, NULL, tid, NULL);
#elif defined(__aarch64__)
    long pid = syscall(SYS_clone, flags, NULL, NULL, NULL, tid);
#endif
    /* EINVAL: an emulator (qemu-user) that knows other flags only. */
    if (pid < 0 && (errno == EPERM || errno == ENOSYS || errno == EINVAL))
        return fork();
    return (pid_t)pid;
}

bool bs_process_starts_apart(void) {
    static const char path[] = "/proc/self/ns/pid_for_children";
    char ours[64] = "", theirs[64] = "";
    if (readlink("/proc/self/ns/pid", ours, sizeof(ours) - 1) < 0)
        return false;
    /* It leads nowhere while the namespace has no first process. Linux 4.11 and older have none. */
    if (readlink(path, theirs, sizeof(theirs) - 1) >= 0)
        return strcmp(ours, theirs) != 0;
    int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

pid_t bs_process_tracer(pid_t pid) {
    static const char field[] = "TracerPid:\t";
    static struct lines lines;
    char path[32];
    uint64_t tracer = 0;
    const char *line;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    bs_lines_open(&lines, path);
    do {
        line = bs_lines_next(&lines);
    } while (line && strncmp(line, field, strlen(field)) != 0);
    if (line)
        bs_lines_number(line + strlen(field), 10, &tracer);
    bs_lines_close(&lines);
    return line ? (pid_t)tracer : -1;
}

void bs_process_follow(pid_t parent_pid) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent_pid)
        _exit(0);
}
