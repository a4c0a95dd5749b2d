#include "agent/descriptors.h"

#include "agent/epolls.h"
#include "agent/syscalls.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STANDARD_COUNT 3
#define LISTED_BYTES   4096

/* What 0, 1 and 2 were, and what takes their place. */
struct standard {
    int null;
    struct stat status[STANDARD_COUNT];
    bool open[STANDARD_COUNT];
};

static bool is_standard(const struct standard *standard, int fd) {
    struct stat status;
    if (fd < STANDARD_COUNT || isatty(fd))
        return true;
    if (bs_sys_fstat(fd, &status))
        return false;
    for (int i = 0; i < STANDARD_COUNT; i++) {
        if (standard->open[i] && status.st_dev == standard->status[i].st_dev &&
            status.st_ino == standard->status[i].st_ino)
            return true;
    }
    return false;
}

static void silence(const struct standard *standard, int fd) {
    int flags = fcntl(fd, F_GETFD);
    if (flags >= 0 && is_standard(standard, fd))
        dup3(standard->null, fd, flags & FD_CLOEXEC ? O_CLOEXEC : 0);
}

/*
 * Visit all descriptors but our own. Entries of a directory come as the kernel gives them;
 * readdir() would allocate.
 */
static void visit_all(const struct standard *standard,
                      void (*visit)(const struct standard *, int)) {
    _Alignas(struct dirent64) char listed[LISTED_BYTES];
    long length;
    int directory = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return;
    while ((length = syscall(SYS_getdents64, directory, listed, sizeof(listed))) > 0) {
        for (long at = 0; at < length;) {
            const struct dirent64 *entry = (const void *)(listed + at);
            int fd = entry->d_name[0] == '.' ? -1 : atoi(entry->d_name);
            if (fd >= 0 && fd != directory && fd != standard->null)
                visit(standard, fd);
            at += entry->d_reclen;
        }
    }
    close(directory);
}

static void renew(const struct standard *standard, int fd) {
    (void)standard;
    bs_epolls_renew(fd);
}

void bs_descriptors_separate(int error) {
    struct standard standard;
    for (int i = 0; i < STANDARD_COUNT; i++)
        standard.open[i] = !bs_sys_fstat(i, &standard.status[i]);
    standard.null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (standard.null < 0)
        return;
    visit_all(&standard, silence);
    for (int i = 0; i < STANDARD_COUNT; i++)
        dup2(i == STDERR_FILENO && error >= 0 ? error : standard.null, i);
    if (error >= STANDARD_COUNT)
        close(error);
    visit_all(&standard, renew); /* what waited for a terminal has nothing to wait for */
    if (standard.null >= STANDARD_COUNT)
        close(standard.null);
}
