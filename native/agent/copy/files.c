#include "agent/copy/files.h"

#include "agent/copy/descriptors.h"
#include "agent/copy/events.h"
#include "agent/syscalls.h"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Not those that are of open() itself, such as O_TMPFILE, which the kernel gives back as well. */
#define FLAGS_KEPT                                                                                 \
    (O_ACCMODE | O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC | O_DIRECT | O_NOATIME | O_LARGEFILE)
#define RENEWED_MAX   256  /* that are looked at, for those that were duplicated */
#define NOTED_MAX     4096 /* descriptors */
#define FLAGS_UNKNOWN (-1)

/* Those that have been opened anew. */
static struct {
    struct {
        dev_t device;
        ino_t inode;
        int fd;
    } items[RENEWED_MAX];
    size_t count;
} renewed;

/* Whether both come from one open(), by dup(). The original still has them as they were. */
static bool are_one(int earlier, int fd, pid_t original) {
    return syscall(SYS_kcmp, original, getpid(), KCMP_FILE, earlier, fd) == 0;
}

/* One that was opened anew already and is to be the same as @p fd, or -1. */
static int find_same(int fd, const struct stat *status, pid_t original) {
    for (size_t i = 0; i < renewed.count; i++) {
        if (renewed.items[i].device == status->st_dev && renewed.items[i].inode == status->st_ino &&
            are_one(renewed.items[i].fd, fd, original))
            return renewed.items[i].fd;
    }
    return -1;
}

static void note_renewed(int fd, const struct stat *status) {
    if (renewed.count == RENEWED_MAX)
        return;
    renewed.items[renewed.count].device = status->st_dev;
    renewed.items[renewed.count].inode = status->st_ino;
    renewed.items[renewed.count++].fd = fd;
}

/* A new descriptor for the file of @p fd, at the same position; -1: that cannot be. */
static int open_anew(int fd) {
    char path[40];
    const int flags = fcntl(fd, F_GETFL);
    const off_t position = lseek(fd, 0, SEEK_CUR);
    if (flags < 0 || flags & O_PATH || position < 0)
        return -1;
    /* That would break the lease, and the signal that tells the program of it would end it. */
    if (fcntl(fd, F_GETLEASE) == F_WRLCK)
        return -1;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    const int made = open(path, (flags & FLAGS_KEPT) | O_CLOEXEC);
    if (made >= 0)
        lseek(made, position, SEEK_SET);
    return made;
}

/* A new descriptor for what @p fd is of; -1: that cannot be, or it is no matter of ours. */
static int make_anew(int fd, const struct stat *status) {
    if (S_ISREG(status->st_mode) || S_ISDIR(status->st_mode))
        return open_anew(fd);
    return bs_events_make_anew(fd);
}

void bs_files_renew(int fd, pid_t original) {
    struct stat status;
    if (bs_sys_fstat(fd, &status))
        return;
    const int same = find_same(fd, &status, original);
    const int made = same < 0 ? make_anew(fd, &status) : same;
    if (made < 0)
        return;
    bs_descriptors_replace(fd, made);
    if (same < 0) {
        close(made);
        note_renewed(fd, &status);
    }
}

/* By number; FLAGS_UNKNOWN: not to be given back. */
static int noted_flags[NOTED_MAX];

static void note_flags(void *arg, int fd) {
    (void)arg;
    if (fd < NOTED_MAX && !isatty(fd)) /* debuggers change those of terminals themselves */
        noted_flags[fd] = fcntl(fd, F_GETFL);
}

void bs_files_note_flags(void) {
    for (int i = 0; i < NOTED_MAX; i++)
        noted_flags[i] = FLAGS_UNKNOWN;
    bs_descriptors_visit(note_flags, NULL);
}

void bs_files_give_back_flags(void) {
    for (int fd = 0; fd < NOTED_MAX; fd++) {
        if (noted_flags[fd] != FLAGS_UNKNOWN && fcntl(fd, F_GETFL) != noted_flags[fd])
            fcntl(fd, F_SETFL, noted_flags[fd]);
    }
}
