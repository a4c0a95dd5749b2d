/* Stands before the C library: what is to be killed goes on for a while, as on a busy machine. */
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int kill(pid_t pid, int number) {
    if (number == SIGKILL)
        nanosleep(&(struct timespec){.tv_nsec = 800000000}, NULL);
    return (int)syscall(SYS_kill, pid, number);
}
