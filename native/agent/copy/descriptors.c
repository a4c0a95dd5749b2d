#include "agent/copy/descriptors.h"

#include "agent/copy/connections.h"
#include "agent/copy/displays.h"
#include "agent/copy/epolls.h"
#include "agent/copy/files.h"
#include "agent/syscalls.h"
#include "format/image.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STANDARD_COUNT 3
#define LISTED_BYTES   4096
#define SPARE_COUNT    3 /* a folder, what is made anew of it, what tells of that */

/* What 0, 1 and 2 were, what takes the place of things, and of which things. */
struct separation {
    struct stat status[STANDARD_COUNT];
    bool open[STANDARD_COUNT];
    int null;
    pid_t original;
    uint32_t flags; /* enum bs_image_flags */
};

static bool is_standard(const struct separation *separation, int fd) {
    struct stat status;
    if (fd < STANDARD_COUNT || isatty(fd))
        return true;
    if (bs_sys_fstat(fd, &status))
        return false;
    for (int i = 0; i < STANDARD_COUNT; i++) {
        if (separation->open[i] && status.st_dev == separation->status[i].st_dev &&
            status.st_ino == separation->status[i].st_ino)
            return true;
    }
    return false;
}

void bs_descriptors_replace(int fd, int by) {
    const int flags = fcntl(fd, F_GETFD);
    if (flags >= 0)
        dup3(by, fd, flags & FD_CLOEXEC ? O_CLOEXEC : 0);
}

static void cut_off(void *arg, int fd) {
    struct separation *separation = arg;
    const bool is_display = bs_displays_has(fd);
    if (is_display)
        separation->flags |= BS_IMAGE_DISPLAY;
    else if (bs_connections_has(fd))
        separation->flags |= BS_IMAGE_CONNECTED;
    if (fd != separation->null && (is_display || is_standard(separation, fd)))
        bs_descriptors_replace(fd, separation->null);
}

/* Entries of a directory come as the kernel gives them; readdir() would allocate. */
void bs_descriptors_visit(void (*visit)(void *arg, int fd), void *arg) {
    _Alignas(struct dirent64) char listed[LISTED_BYTES];
    long length;
    int directory = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return;
    while ((length = syscall(SYS_getdents64, directory, listed, sizeof(listed))) > 0) {
        for (long at = 0; at < length;) {
            const struct dirent64 *entry = (const void *)(listed + at);
            int fd = entry->d_name[0] == '.' ? -1 : atoi(entry->d_name);
            if (fd >= 0 && fd != directory)
                visit(arg, fd);
            at += entry->d_reclen;
        }
    }
    close(directory);
}

static void renew_file(void *arg, int fd) {
    const struct separation *separation = arg;
    bs_files_renew(fd, separation->original);
}

static void renew_epoll(void *arg, int fd) {
    (void)arg;
    bs_epolls_renew(fd);
}

/* Else what is to be made anew would stay shared, as if that could not be. */
static bool has_spare(int fd) {
    int spare[SPARE_COUNT];
    bool all = true;
    for (int i = 0; i < SPARE_COUNT; i++) {
        spare[i] = dup(fd);
        all &= spare[i] >= 0;
    }
    for (int i = 0; i < SPARE_COUNT; i++) {
        if (spare[i] >= 0)
            close(spare[i]);
    }
    return all;
}

bool bs_descriptors_separate(pid_t original, int error, uint32_t *flags) {
    struct separation separation = {.original = original};
    for (int i = 0; i < STANDARD_COUNT; i++)
        separation.open[i] = !bs_sys_fstat(i, &separation.status[i]);
    separation.null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (separation.null < 0)
        return errno != EMFILE; /* there is none: all stays as it is */
    if (!has_spare(separation.null))
        return false;
    bs_descriptors_visit(cut_off, &separation);
    for (int i = 0; i < STANDARD_COUNT; i++)
        dup2(i == STDERR_FILENO && error >= 0 ? error : separation.null, i);
    if (error >= STANDARD_COUNT)
        close(error);
    /* After that: what waited for a terminal has nothing to wait for. And what waits is last. */
    bs_descriptors_visit(renew_file, &separation);
    bs_descriptors_visit(renew_epoll, NULL);
    if (separation.null >= STANDARD_COUNT)
        close(separation.null);
    *flags |= separation.flags;
    return true;
}
